// Plain text: a row for each line. Empty lines are rows too: their text is there, and is empty.

import { MeshError } from '@shoal/shared';
import { createLineSplitter, type SplitLine } from './line-splitter.ts';
import { MAX_ROW_CHARS, type RowParser, type SourceRow } from './row-parser.ts';

export function createTextLinesParser(): RowParser {
  const splitter = createLineSplitter();
  return {
    push: (text) => splitter.push(text).map(toRow),
    end: () => splitter.end().map(toRow),
    broken: { count: 0, firstLine: undefined },
  };
}

function toRow({ text, line, sizeBytes }: SplitLine): SourceRow {
  if (text.length > MAX_ROW_CHARS) {
    throw new MeshError('bad-file', `Line ${line} has ${text.length} characters; a line has at most ${MAX_ROW_CHARS}.`);
  }
  return { value: text, line, sizeBytes };
}
