// What a file is: by its name, and where that says nothing (or only "JSON") by how it begins.

import { MeshError } from '@shoal/shared';
import type { FileFormat } from '../api.ts';

const BY_ENDING: ReadonlyMap<string, FileFormat> = new Map([
  ['csv', 'csv'],
  ['tsv', 'csv'],
  ['tab', 'csv'],
  ['ndjson', 'ndjson'],
  ['jsonl', 'ndjson'],
  ['txt', 'text'],
  ['text', 'text'],
  ['log', 'text'],
  ['md', 'text'],
]);

/** `head` is the text of the first bytes, without a BOM. Throws `bad-file` for JSON that is no table. */
export function detectFormat(name: string, head: string): FileFormat {
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const named = BY_ENDING.get(ending);
  if (named !== undefined) return named;
  const start = head.trimStart();
  if (ending === 'json') return detectJson(name, start);
  if (/^\[\s*[[{]/.test(start)) return 'json-array';
  if (start.startsWith('{') && isJson(firstLineOf(start))) return 'ndjson';
  return looksLikeCsv(head) ? 'csv' : 'text';
}

function detectJson(name: string, start: string): FileFormat {
  if (start.startsWith('[')) return 'json-array';
  const first = firstLineOf(start);
  const hasMore = start.slice(first.length).trim().length > 0;
  if (start.startsWith('{') && hasMore && isJson(first)) return 'ndjson';
  throw new MeshError(
    'bad-file',
    `"${name}" is one JSON value and no table: Shoal reads an array of rows ("[{…}, {…}]") or one object on each line.`,
  );
}

function firstLineOf(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // That is the answer.
    return false;
  }
}

/** Several lines with the same number of one delimiter. */
function looksLikeCsv(head: string): boolean {
  const lines = head
    .split(/\r?\n/)
    .filter((line) => line.length > 0)
    .slice(0, 20);
  if (lines.length < 3) return false;
  const whole = lines.slice(0, -1);
  return [',', '\t', ';'].some((delimiter) => {
    const counts = new Set(whole.map((line) => line.split(delimiter).length));
    return counts.size === 1 && !counts.has(1);
  });
}
