// A JSON array of rows, however long and on however few lines: a scanner finds where each element ends
// and hands just that text to `JSON.parse`. Nothing but the unfinished element is held.

import { MeshError } from '@shoal/shared';
import { parseJsonRow } from './parse-json-row.ts';
import {
  countNewlines,
  createBrokenCounter,
  MAX_ROW_CHARS,
  type RowParser,
  type SourceRow,
  utf8Length,
} from './row-parser.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

type Place = 'before' | 'inside' | 'after';

/** `startInside`: the text begins between two elements (a sample from the middle). */
export function createJsonArrayParser(options: { readonly startInside?: boolean } = {}): RowParser {
  const broken = createBrokenCounter();
  let place: Place = options.startInside === true ? 'inside' : 'before';
  /** From the end of the last element; scanned up to `at`. */
  let held = '';
  let at = 0;
  let depth = 0;
  let inString = false;
  let line = 1;

  function takeElement(end: number, rows: SourceRow[]): void {
    const raw = held.slice(0, end);
    const text = raw.trim();
    const newlines = countNewlines(raw);
    if (text.length > 0) {
      const lead = raw.length - raw.trimStart().length;
      const firstLine = line + countNewlines(raw.slice(0, lead));
      const parsed = parseJsonRow(text);
      if (parsed === undefined) broken.add(firstLine);
      else rows.push({ value: parsed.value, line: firstLine, sizeBytes: utf8Length(raw) + 1 });
    }
    line += newlines;
  }

  function open(): void {
    const start = held.length - held.trimStart().length;
    if (start === held.length) return;
    if (held.charCodeAt(start) !== OPEN_ARRAY)
      throw new MeshError('bad-file', 'This is not a JSON array: it does not begin with "[".');
    line += countNewlines(held.slice(0, start));
    held = held.slice(start + 1);
    at = 0;
    place = 'inside';
  }

  /** Scans to the end of the text; cuts off what is done only once, at the end. */
  function scan(rows: SourceRow[]): void {
    const text = held;
    let done = 0;
    const finish = (end: number): void => {
      held = text.slice(done, end);
      takeElement(held.length, rows);
      done = end + 1;
    };
    while (at < text.length && place === 'inside') {
      const code = text.charCodeAt(at);
      if (inString) {
        if (code === BACKSLASH) {
          // The escaped character may come with the next piece.
          if (at + 1 >= text.length) break;
          at += 1;
        } else if (code === QUOTE) inString = false;
      } else if (code === QUOTE) inString = true;
      else if (code === OPEN_OBJECT || code === OPEN_ARRAY) depth += 1;
      else if (code === CLOSE_OBJECT) depth -= 1;
      else if (code === COMMA && depth <= 0) {
        finish(at);
        depth = 0;
      } else if (code === CLOSE_ARRAY) {
        if (depth > 0) depth -= 1;
        else {
          finish(at);
          place = 'after';
        }
      }
      at += 1;
    }
    held = text.slice(done);
    at -= done;
  }

  function refuseRest(): void {
    const rest = held.trim();
    held = '';
    if (rest.length > 0)
      throw new MeshError('bad-file', `There is more behind the end of the JSON array: ${rest.slice(0, 20)}`);
  }

  return {
    push(text) {
      const rows: SourceRow[] = [];
      held += text;
      if (place === 'before') open();
      if (place === 'inside') scan(rows);
      if (place === 'after') refuseRest();
      if (held.length > MAX_ROW_CHARS)
        throw new MeshError(
          'bad-file',
          `The element that begins at line ${line} has more than ${MAX_ROW_CHARS} characters.`,
        );
      return rows;
    },
    end() {
      if (place === 'after') return [];
      throw new MeshError(
        'bad-file',
        `The JSON array is not closed: the file ends in line ${line + countNewlines(held)} without its "]".`,
      );
    },
    broken,
  };
}
