// A table of any length: only the rows on the screen are drawn. It is a scrolling region that takes
// the keyboard (End goes to the last row), with a head that stays.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { formatCell } from '../model/format.ts';
import type { RowSource } from '../model/result-rows.ts';
import { contentHeight, ROW_HEIGHT, windowAt } from './table-window.ts';

export interface ValueTableProps {
  readonly source: RowSource;
  readonly label: string;
  readonly sortedBy?: { readonly column: string; readonly descending: boolean } | undefined;
  readonly onSort?: ((column: string) => void) | undefined;
}

export function ValueTable({ source, label, sortedBy, onSort }: ValueTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ top: 0, height: 360 });
  const { rowCount, columns } = source;
  // Read, so that rows which have come are drawn.
  void source.version.value;
  const shown = windowAt(rowCount, place.top, place.height);
  source.want(shown.first, Math.max(shown.last, 0));

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const measure = (): void => setPlace({ top: element.scrollTop, height: element.clientHeight - ROW_HEIGHT });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);
  useLayoutEffect(() => scroller.current?.scrollTo({ top: 0 }), [sortedBy?.column, sortedBy?.descending]);

  const layout = {
    gridTemplateColumns: `${Math.max(String(rowCount).length, 2) + 2}ch ${columns.map((column) => widthOf(column, source)).join(' ')}`,
  };
  const indices = Array.from({ length: Math.max(shown.last - shown.first + 1, 0) }, (_none, i) => shown.first + i);

  return (
    <div class="table" ref={scroller} tabIndex={0} role="table" aria-label={label} aria-rowcount={rowCount + 1}>
      <div class="table-head" role="row" style={layout}>
        <span role="columnheader" class="number" aria-label="row" title="Counted from 0">
          #
        </span>
        {columns.map(({ name, type }) => (
          <Head
            key={name}
            name={name}
            type={type}
            sorted={sortedBy?.column === name ? sortedBy.descending : undefined}
            onSort={onSort}
          />
        ))}
      </div>
      <div class="table-content" role="rowgroup" style={{ blockSize: `${contentHeight(rowCount)}px` }}>
        <div class="table-rows" style={{ transform: `translateY(${shown.top}px)` }}>
          {indices.map((index) => (
            <Row key={index} index={index} source={source} layout={layout} />
          ))}
        </div>
      </div>
    </div>
  );
}

interface HeadProps {
  readonly name: string;
  readonly type: string;
  readonly sorted: boolean | undefined;
  readonly onSort: ((column: string) => void) | undefined;
}

function Head({ name, type, sorted, onSort }: HeadProps) {
  const ariaSort = sorted === undefined ? 'none' : sorted ? 'descending' : 'ascending';
  const align = isFigure(type) ? 'figure' : '';
  if (onSort === undefined) {
    return (
      <span role="columnheader" class={`clip ${align}`} title={`${name}: ${type}`}>
        {name}
      </span>
    );
  }
  return (
    <span role="columnheader" class={align} aria-sort={ariaSort}>
      <button type="button" class="sort clip" title={`Sort by ${name} (${type})`} onClick={() => onSort(name)}>
        <span class="clip">{name}</span>
        {sorted === undefined ? null : <span aria-hidden="true">{sorted ? '▾' : '▴'}</span>}
      </button>
    </span>
  );
}

function Row({
  index,
  source,
  layout,
}: {
  readonly index: number;
  readonly source: RowSource;
  readonly layout: { readonly gridTemplateColumns: string };
}) {
  const row = source.row(index);
  return (
    <div role="row" class="table-row" aria-rowindex={index + 2} style={layout}>
      <span role="rowheader" class="number">
        {index}
      </span>
      {source.columns.map(({ name, type }) => (
        <Cell key={name} isComing={row === undefined} value={row?.[name]} type={type} />
      ))}
    </div>
  );
}

function Cell({
  value,
  type,
  isComing,
}: {
  readonly value: unknown;
  readonly type: string;
  readonly isComing: boolean;
}) {
  if (isComing) return <span role="cell" class="coming" aria-label="coming" />;
  if (value === null || value === undefined) {
    return (
      <span role="cell" class={`missing ${isFigure(type) ? 'figure' : ''}`} title="missing">
        –
      </span>
    );
  }
  const text = formatCell(value);
  return (
    <span
      role="cell"
      class={`clip ${isFigure(type) ? 'figure' : ''}`}
      title={text.length > 12 ? text.slice(0, 500) : undefined}
    >
      {text}
    </span>
  );
}

const MEASURED_ROWS = 40;

/** Wide enough for the name and the first rows, within bounds; the last column takes what is left. */
function widthOf({ name, type }: { readonly name: string; readonly type: string }, source: RowSource): string {
  let longest = name.length + 2;
  for (let index = 0; index < Math.min(MEASURED_ROWS, source.rowCount); index += 1) {
    longest = Math.max(longest, formatCell(source.row(index)?.[name]).length);
  }
  const width = Math.min(Math.max(longest, isFigure(type) ? 6 : 8), 36) + 3;
  return `minmax(${width}ch, ${isFigure(type) ? `${width}ch` : '1fr'})`;
}

function isFigure(type: string): boolean {
  return type === 'int' || type === 'float';
}
