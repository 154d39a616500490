// What a function returned, as text: JSON for what JSON has no form for, too, and cells of CSV and of
// tables on a terminal.

/** JSON of any cloneable value: maps and sets as objects and arrays, big integers and dates as text. */
export function toJsonText(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) => plain(inner)) ?? 'null';
}

/** A cell of a table on a terminal: one line; nothing for what is missing. */
export function toCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value.replace(/\s+/g, ' ');
  if (typeof value === 'number') return String(value);
  const text = toJsonText(value);
  return typeof value === 'bigint' ? text.slice(1, -1) : text;
}

/** A field of CSV (RFC 4180). */
export function toCsvField(value: unknown): string {
  const text = typeof value === 'string' ? value : toCell(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Map) {
    const entries: [unknown, unknown][] = [...value];
    return entries.every(([key]) => typeof key === 'string')
      ? Object.fromEntries(entries as [string, unknown][])
      : entries;
  }
  if (value instanceof Set) return [...value];
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return Array.from(value as unknown as ArrayLike<unknown>);
  return value;
}
