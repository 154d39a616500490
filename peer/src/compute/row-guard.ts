// Reading a column that is not there is an error that names those that are, where a plain object would
// give `undefined` and the job a wrong answer. The guard is the rows' prototype, so that what is there is
// read as from any object: 50 ns for each row, nothing for each read.

/** What the language and libraries look for on any object. */
const ASKED_OF_ANY = new Set([
  'then',
  'toJSON',
  'constructor',
  '__proto__',
  'asymmetricMatch',
  '$$typeof',
  'nodeType',
  'inspect',
]);

/** Changes and gives back the row. */
export type GuardRow = (row: Record<string, unknown>) => Record<string, unknown>;

export function createRowGuard(columns: readonly string[]): GuardRow {
  const prototype: object = new Proxy(Object.prototype, {
    get(target, name, receiver) {
      if (typeof name === 'string' && !(name in target) && !ASKED_OF_ANY.has(name)) {
        throw new Error(
          `There is no column "${name}"; there ${columns.length === 1 ? 'is' : 'are'}: ${listed(columns)}.`,
        );
      }
      return Reflect.get(target, name, receiver);
    },
  });
  return (row) => {
    Object.setPrototypeOf(row, prototype);
    return row;
  };
}

function listed(columns: readonly string[]): string {
  const shown = columns.slice(0, 40);
  return shown.join(', ') + (columns.length > shown.length ? `, and ${columns.length - shown.length} more` : '');
}
