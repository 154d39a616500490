// What the four readers have in common: text goes in, piece by piece, rows come out, each with the
// line it begins in and the bytes it took. How the text was cut never changes what comes out.

export interface SourceRow {
  /** CSV: the cells as text. JSON: the parsed element. Text: the line. */
  readonly value: unknown;
  /** From 1. */
  readonly line: number;
  readonly sizeBytes: number;
}

export interface RowParser {
  push(text: string): readonly SourceRow[];
  /** The last rows. Throws `bad-file` if the file can't end here. */
  end(): readonly SourceRow[];
  /** Lines that could not be read as rows. */
  readonly broken: BrokenLines;
}

export interface BrokenLines {
  readonly count: number;
  readonly firstLine: number | undefined;
}

/** A row that is longer than this, in characters, is none: a quote or bracket was never closed. */
export const MAX_ROW_CHARS = 16 * 1024 * 1024;

export interface BrokenCounter extends BrokenLines {
  add(line: number): void;
}

export function createBrokenCounter(): BrokenCounter {
  let count = 0;
  let firstLine: number | undefined;
  return {
    add(line) {
      count += 1;
      firstLine ??= line;
    },
    get count() {
      return count;
    },
    get firstLine() {
      return firstLine;
    },
  };
}

/** Bytes of a well-formed text as UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // Each half of a surrogate pair counts two: four bytes together.
    if (code >= 0x80) bytes += code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 1 : 2;
  }
  return bytes;
}

export function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
