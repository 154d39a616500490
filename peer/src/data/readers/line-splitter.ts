// Text in pieces to whole lines. A line ends with LF or CRLF.

import { utf8Length } from './row-parser.ts';

export interface SplitLine {
  readonly text: string;
  readonly line: number;
  readonly sizeBytes: number;
}

export interface LineSplitter {
  push(text: string): readonly SplitLine[];
  end(): readonly SplitLine[];
}

export function createLineSplitter(): LineSplitter {
  // Parts of the unfinished line: joined once, so that one line of many pieces costs no square.
  let held: string[] = [];
  let line = 1;

  function finish(raw: string): SplitLine {
    const text = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const split = { text, line, sizeBytes: utf8Length(raw) + 1 };
    line += 1;
    return split;
  }

  return {
    push(text) {
      const lines: SplitLine[] = [];
      let from = 0;
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
        held.push(text.slice(from, at));
        lines.push(finish(held.length === 1 ? (held[0] ?? '') : held.join('')));
        held = [];
        from = at + 1;
      }
      if (from < text.length) held.push(text.slice(from));
      return lines;
    },
    end() {
      const rest = held.join('');
      held = [];
      return rest.length === 0 ? [] : [finish(rest)];
    },
  };
}
