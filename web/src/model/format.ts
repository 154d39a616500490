// Figures as people read them. Pure.

const count = new Intl.NumberFormat('en-US');
const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

export function formatCount(value: number): string {
  return count.format(value);
}

/** `1 row`, `2 rows`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

export function formatDuration(ms: number): string {
  if (ms < 1) return '< 1 ms';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** One digit behind the point below 10 ms: links on one machine differ there. */
export function formatRoundTrip(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const share = (part / whole) * 100;
  return `${share > 0 && share < 10 ? share.toFixed(1) : Math.round(share)} %`;
}

/** What stands in a cell of a table. Missing is told apart from an empty text by the widget. */
export function formatCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'object') return JSON.stringify(value) ?? '';
  return typeof value === 'symbol' || typeof value === 'function'
    ? typeof value
    : String(value as number | boolean | bigint);
}

/** One printed value, as a console would show it on one line. */
export function formatLogged(value: unknown): string {
  return typeof value === 'string' ? value : prettyJson(value, 0);
}

/** JSON that also shows what JSON has no form for. */
export function prettyJson(value: unknown, indent = 2): string {
  const seen = new Set<unknown>();
  const text = JSON.stringify(
    value,
    (_name, member: unknown) => {
      if (typeof member === 'bigint') return `${member}n`;
      if (typeof member === 'number' && !Number.isFinite(member)) return String(member);
      if (typeof member !== 'object' || member === null) return member;
      if (seen.has(member)) return '(seen above)';
      seen.add(member);
      if (member instanceof Map) return Object.fromEntries(member);
      if (member instanceof Set) return [...member];
      return member;
    },
    indent,
  );
  return text ?? String(value);
}
