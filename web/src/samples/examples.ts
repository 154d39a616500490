// A working function of each kind for each dataset: written by hand for the samples, made from the
// columns for any other.

import { anyAggregate, anyFilter, anyMap, type SampleColumn } from './any-table.ts';
import { birdstrikesAggregate, birdstrikesFilter, birdstrikesMap } from './birdstrikes.ts';
import { flightsAggregate, flightsFilter, flightsMap } from './flights.ts';
import { moviesAggregate, moviesFilter, moviesMap } from './movies.ts';

export type ExampleKind = 'map' | 'filter' | 'aggregate';

export const EXAMPLE_KINDS: readonly ExampleKind[] = ['map', 'filter', 'aggregate'];

export interface ExampleTable {
  readonly columns: readonly SampleColumn[];
}

interface Fitting {
  /** The columns that it reads. */
  readonly columns: readonly string[];
  readonly sources: Readonly<Record<ExampleKind, string>>;
}

export const FLIGHTS: Fitting = {
  columns: ['delay', 'distance', 'time'],
  sources: { map: flightsMap, filter: flightsFilter, aggregate: flightsAggregate },
};

const FITTING: readonly Fitting[] = [
  FLIGHTS,
  {
    columns: ['Flight Date', 'Wildlife Species', 'Phase of flight', 'Cost Total $', 'Speed IAS in knots'],
    sources: { map: birdstrikesMap, filter: birdstrikesFilter, aggregate: birdstrikesAggregate },
  },
  {
    columns: ['Title', 'Worldwide Gross', 'Production Budget', 'Major Genre', 'IMDB Rating', 'IMDB Votes'],
    sources: { map: moviesMap, filter: moviesFilter, aggregate: moviesAggregate },
  },
];

/** Without a table: for the sample that stands ready on a first visit. */
export function exampleFor(kind: ExampleKind, table: ExampleTable | undefined): string {
  if (table === undefined) return FLIGHTS.sources[kind];
  const names = new Set(table.columns.map(({ name }) => name));
  const fitting = FITTING.find(({ columns }) => columns.every((name) => names.has(name)));
  if (fitting !== undefined) return fitting.sources[kind];
  switch (kind) {
    case 'map':
      return anyMap(table.columns);
    case 'filter':
      return anyFilter(table.columns);
    case 'aggregate':
      return anyAggregate(table.columns);
  }
}
