// Functions made to fit a table that nobody has seen before, from its columns.

export interface SampleColumn {
  readonly name: string;
  readonly type: string;
}

const read = (name: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(name) ? `row.${name}` : `row[${JSON.stringify(name)}]`;
const quoted = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

export function anyMap(columns: readonly SampleColumn[]): string {
  const kept = columns.slice(0, 6);
  const lines = kept.map(({ name }) => `    ${quoted(name)}: ${read(name)},`);
  return `// Map: one row in, one row out. A missing value is null.
export default function (row: Record<string, any>) {
  return {
${lines.join('\n')}
  };
}
`;
}

export function anyFilter(columns: readonly SampleColumn[]): string {
  const number = columns.find(isNumber);
  const first = columns[0];
  const condition =
    number !== undefined
      ? `(${read(number.name)} ?? 0) > (params?.above ?? 0)`
      : first !== undefined
        ? `${read(first.name)} !== null`
        : 'true';
  return `// Filter: keeps the rows for which it returns true.
export default {
  filter(row: Record<string, any>, params: { above?: number }) {
    return ${condition};
  },
};
`;
}

export function anyAggregate(columns: readonly SampleColumn[]): string {
  const number = columns.find(isNumber);
  if (number === undefined) return countAggregate(columns);
  return `// Aggregate: each member visits its rows, then the parts are joined in order.
interface Sum {
  count: number;
  sum: number;
  min: number;
  max: number;
}

export default {
  init: (): Sum => ({ count: 0, sum: 0, min: Infinity, max: -Infinity }),

  visit(state: Sum, row: Record<string, any>) {
    const value = ${read(number.name)};
    if (value === null) return;
    state.count += 1;
    state.sum += value;
    state.min = Math.min(state.min, value);
    state.max = Math.max(state.max, value);
  },

  join: (a: Sum, b: Sum): Sum => ({
    count: a.count + b.count,
    sum: a.sum + b.sum,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
  }),

  finish: ({ count, sum, min, max }: Sum) =>
    count === 0 ? { count } : { count, min, max, mean: sum / count },
};
`;
}

function countAggregate(columns: readonly SampleColumn[]): string {
  const value = columns[0] === undefined ? `'rows'` : `String(${read(columns[0].name)})`;
  return `// Aggregate: how often each value occurs.
type Counts = Record<string, number>;

export default {
  init: (): Counts => ({}),

  visit(counts: Counts, row: Record<string, any>) {
    const value = ${value};
    counts[value] = (counts[value] ?? 0) + 1;
  },

  join(a: Counts, b: Counts) {
    for (const [value, count] of Object.entries(b)) a[value] = (a[value] ?? 0) + count;
    return a;
  },

  finish: (counts: Counts) =>
    Object.entries(counts)
      .map(([value, count]) => ({ value, count }))
      .sort((a, b) => b.count - a.count)
      .slice(0, 100),
};
`;
}

function isNumber({ type }: SampleColumn): boolean {
  return type === 'int' || type === 'float';
}
