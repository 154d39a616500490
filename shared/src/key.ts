// What a key may be, and the part of it that is hashed. Keys that begin with `~` are Shoal's own
// (datasets, chunks, UDFs, results): users read them like any other, and can't write them.

import { xxHash32 } from 'js-xxhash';
import { limits } from './limits.ts';
import { MeshError } from './mesh-error.ts';

/** A key: 1 to 512 bytes of UTF-8 without lone surrogates. */
export type Key = string & { readonly __brand: 'Key' };

const encoder = new TextEncoder();

/** `undefined` unless `text` is a key. */
export function parseKey(text: unknown): Key | undefined {
  if (typeof text !== 'string' || text.length === 0 || text.length > limits.keyBytes) return undefined;
  if (!text.isWellFormed()) return undefined;
  // A UTF-16 unit makes at most three bytes: most keys need no encoding to be measured.
  const fits = text.length * 3 <= limits.keyBytes || encoder.encode(text).length <= limits.keyBytes;
  return fits ? (text as Key) : undefined;
}

/** Throws `bad-key` with a sentence that says what is wrong. */
export function requireKey(text: unknown): Key {
  const key = parseKey(text);
  if (key !== undefined) return key;
  throw new MeshError('bad-key', badKeySentence(text));
}

export function isReservedKey(key: Key): boolean {
  return key.startsWith('~');
}

function badKeySentence(text: unknown): string {
  if (typeof text !== 'string') return `A key is a string, not ${text === null ? 'null' : typeof text}.`;
  if (text.length === 0) return 'A key has at least one character.';
  if (!text.isWellFormed())
    return `The key ${JSON.stringify(text.slice(0, 40))} is not UTF-8: it has half of a surrogate pair.`;
  const bytes = encoder.encode(text).length;
  return `The key "${text.slice(0, 40)}…" has ${bytes} bytes; a key has at most ${limits.keyBytes}.`;
}

/** What is hashed: the part between the first `{` and the next `}` if that is not empty, else all of it. */
export function hashedPart(key: Key): string {
  const open = key.indexOf('{');
  if (open < 0) return key;
  const close = key.indexOf('}', open + 1);
  return close > open + 1 ? key.slice(open + 1, close) : key;
}

/** xxHash32 (seed 0) of the hashed part's UTF-8, as a uint32. */
export function hashKey(key: Key): number {
  return hashText(hashedPart(key), 0);
}

/** xxHash32 of the text's UTF-8, as a uint32: the same on every member, and nothing for secrets. */
export function hashText(text: string, seed: number): number {
  return xxHash32(encoder.encode(text), seed);
}
