// What commands print: results on stdout, everything said to people on stderr. Waits for a slow reader
// of stdout, and ends quietly when the reader has gone (`shoal ls | head`).

import { once } from 'node:events';

/** Resolves when there is room for more. */
export async function print(text: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

export function printLine(line: string): Promise<void> {
  return print(`${line}\n`);
}

/** One JSON value. */
export function printJson(value: unknown): Promise<void> {
  return printLine(JSON.stringify(value));
}

/** One sentence for people; control characters of foreign text can't reach the terminal. */
export function complain(sentence: string): void {
  process.stderr.write(`${printable(sentence)}\n`);
}

/** `text` without what would steer a terminal; line ends and tabs stay. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** A line that is written over while something goes on; nothing unless a person is watching. */
export function createProgressLine(): { show(text: string): void; clear(): void } {
  let shown = false;
  const { stderr } = process;
  return {
    show: (text) => {
      if (!stderr.isTTY) return;
      stderr.write(`\r\u001b[K${printable(text).slice(0, (stderr.columns ?? 80) - 1)}`);
      shown = true;
    },
    clear: () => {
      if (shown) stderr.write('\r\u001b[K');
      shown = false;
    },
  };
}

/** Ends the process without a word when nobody reads stdout any more. Called once, at start. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    complain(`Can't write the result: ${error.message}.`);
    process.exit(1);
  });
}

/** Resolves when all that was printed has left the process. */
export async function outputDone(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => {
      stream.write('', () => resolve());
    });
  }
}
