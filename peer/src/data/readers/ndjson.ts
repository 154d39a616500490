// NDJSON: one JSON value on each line. A line that is none is counted, and the rest is read.

import { createLineSplitter, type SplitLine } from './line-splitter.ts';
import { parseJsonRow } from './parse-json-row.ts';
import { createBrokenCounter, MAX_ROW_CHARS, type RowParser, type SourceRow } from './row-parser.ts';

export function createNdjsonParser(): RowParser {
  const splitter = createLineSplitter();
  const broken = createBrokenCounter();

  function toRows(lines: readonly SplitLine[]): readonly SourceRow[] {
    const rows: SourceRow[] = [];
    for (const { text, line, sizeBytes } of lines) {
      if (text.trim().length === 0) continue;
      const parsed = text.length > MAX_ROW_CHARS ? undefined : parseJsonRow(text);
      if (parsed === undefined) broken.add(line);
      else rows.push({ value: parsed.value, line, sizeBytes });
    }
    return rows;
  }

  return {
    push: (text) => toRows(splitter.push(text)),
    end: () => toRows(splitter.end()),
    broken,
  };
}
