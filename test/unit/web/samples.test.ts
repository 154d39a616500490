import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkUdf } from '../../../peer/src/compute/udf-check.ts';
import { createUdf } from '../../../peer/src/compute/udf.ts';
import { EXAMPLE_KINDS, type ExampleKind, exampleFor } from '../../../web/src/samples/examples.ts';

type Row = Record<string, unknown>;
interface Udf {
  (row: Row): unknown;
  filter(row: Row, params: null): boolean;
  init(): unknown;
  visit(state: unknown, row: Row): unknown;
  join(a: unknown, b: unknown): unknown;
  finish(state: unknown): unknown;
}

async function load(kind: ExampleKind, rows: readonly Row[]): Promise<Udf> {
  const columns = Object.entries(rows[0] ?? {}).map(([name, value]) => ({
    name,
    type: typeof value === 'number' ? 'float' : 'string',
  }));
  const { code } = await checkUdf(createUdf({ source: exampleFor(kind, { columns }), fileName: 'udf.ts' }));
  return ((await import(`data:text/javascript,${encodeURIComponent(code)}`)) as { default: Udf }).default;
}

function aggregate(udf: Udf, parts: readonly (readonly Row[])[]): unknown {
  const states = parts.map((rows) => rows.reduce((state: unknown, row) => udf.visit(state, row) ?? state, udf.init()));
  return udf.finish(states.reduce((a, b) => udf.join(a, b)));
}

const file = (name: string): string =>
  readFileSync(new URL(`../../../node_modules/vega-datasets/data/${name}`, import.meta.url), 'utf8');
const movies = JSON.parse(file('movies.json')) as Row[];
const flights = (JSON.parse(file('flights-200k.json')) as Row[]).slice(0, 5_000);
const [header = '', ...lines] = file('birdstrikes.csv').trim().split('\n').slice(0, 500);
const names = header.split(',');
const strikes = lines.map((line) => {
  const cells = line.split(',');
  return Object.fromEntries(
    names.map((name, i) => [
      name,
      name.startsWith('Cost') || name.startsWith('Speed') ? Number(cells[i]) : (cells[i] ?? null),
    ]),
  );
});
const strange: Row[] = [
  { 'a b': 1, class: 'x', $: null },
  { 'a b': null, class: 'y', $: null },
];
const words: Row[] = [{ line: 'to be' }, { line: 'to be' }, { line: 'or not' }];

test.each([
  ['flights', flights],
  ['birdstrikes', strikes],
  ['movies', movies],
  ['a table with strange names', strange],
  ['lines of text', words],
])('the examples for %s pass the check and run', async (_name, rows) => {
  for (const kind of EXAMPLE_KINDS) {
    const udf = await load(kind, rows);
    if (kind === 'map') for (const row of rows) expect(udf(row)).toBeTypeOf('object');
    if (kind === 'filter') for (const row of rows) expect(udf.filter(row, null)).toBeTypeOf('boolean');
    if (kind === 'aggregate')
      expect(aggregate(udf, [rows])).toEqual(aggregate(udf, [rows.slice(0, 1), rows.slice(1), []]));
  }
});

test('the aggregate over films counts each genre', async () => {
  const genres = aggregate(await load('aggregate', movies), [movies.slice(0, 1_000), movies.slice(1_000)]) as Row[];

  const comedies = movies.filter((film) => film['Major Genre'] === 'Comedy').length;
  expect(genres.find(({ genre }) => genre === 'Comedy')).toMatchObject({ films: comedies });
});
