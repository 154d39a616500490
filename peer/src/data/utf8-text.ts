// Bytes, cut anywhere, to text in pieces that end between characters. Bytes that are no UTF-8 become
// U+FFFD and are counted: a stray Latin-1 letter must not cost the user the other 200 MB.

import { MeshError } from '@shoal/shared';

/** Text decoded at once: what a reader holds beside its unfinished row. */
const PIECE_BYTES = 512 * 1024;

export interface Utf8Text {
  /** The text of these bytes, in pieces; a character cut by their end comes with the next ones. */
  push(bytes: Uint8Array): IterableIterator<string>;
  /** What is left at the end: a cut character, as U+FFFD. */
  end(): string;
  /** Sequences that were no UTF-8 so far. */
  readonly invalid: number;
}

export function createUtf8Text(): Utf8Text {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const lax = new TextDecoder('utf-8', { ignoreBOM: true });
  let held = new Uint8Array(0);
  let atStart = true;
  let invalid = 0;

  function decode(bytes: Uint8Array): string {
    let text: string;
    try {
      text = strict.decode(bytes);
    } catch {
      // Only what is not UTF-8 can fail here; it is counted, and decoded again with U+FFFD in its place.
      text = lax.decode(bytes);
      invalid += countReplaced(text) - countOwnReplacements(bytes);
    }
    if (!atStart || text.length === 0) return text;
    atStart = false;
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  return {
    *push(bytes) {
      for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
        const part = bytes.subarray(from, from + PIECE_BYTES);
        const piece = held.length === 0 ? part : joinBytes(held, part);
        const cut = piece.length - unfinishedTail(piece);
        held = piece.slice(cut);
        const text = decode(piece.subarray(0, cut));
        if (text.length > 0) yield text;
      }
    },
    end() {
      const rest = held;
      held = new Uint8Array(0);
      return decode(rest);
    },
    get invalid() {
      return invalid;
    },
  };
}

/** Throws `bad-file` for what is no text at all; `head` is the file's beginning. */
export function requireText(head: Uint8Array, name: string): void {
  const [a, b] = head;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
    throw new MeshError('bad-file', `"${name}" is UTF-16; save it as UTF-8 and load it again.`);
  }
  if (a === 0x1f && b === 0x8b) throw new MeshError('bad-file', `"${name}" is compressed with gzip; unpack it first.`);
  const at = head.subarray(0, 4096).indexOf(0);
  if (at < 0) return;
  throw new MeshError(
    'bad-file',
    `"${name}" is no text: byte ${at} is zero. Shoal reads CSV, JSON, NDJSON and plain text.`,
  );
}

/** Bytes at the end that begin a character and do not finish it: 0 to 3. */
function unfinishedTail(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}

function joinBytes(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

function countReplaced(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\ufffd'); at >= 0; at = text.indexOf('\ufffd', at + 1)) count += 1;
  return count;
}

/** U+FFFD that the file itself has, as EF BF BD. */
function countOwnReplacements(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(0xef); at >= 0; at = bytes.indexOf(0xef, at + 1)) {
    if (bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd) count += 1;
  }
  return count;
}
