// Values out of Arrow's memory form, one by one and without Arrow: its row proxies are 250 times slower
// than a loop over the typed arrays.

import { MeshError, unreachable } from '@shoal/shared';
import type { ColumnType } from './column.ts';

export interface ColumnMemory {
  readonly type: ColumnType;
  readonly length: number;
  /** Index of the first value in `values`, in `offsets` and, as a bit, in `validity`. */
  readonly start: number;
  /** Absent if all values are there. */
  readonly validity: Uint8Array | undefined;
  /** int64 as pairs of words. */
  readonly words: Int32Array | undefined;
  readonly floats: Float64Array | undefined;
  /** Bits of bool, UTF-8 of string and json. */
  readonly bytes: Uint8Array | undefined;
  readonly offsets: Int32Array | undefined;
}

export type ValueReader = (index: number) => unknown;

const TWO_32 = 2 ** 32;
const NO_BYTES = new Uint8Array(0);
const NO_OFFSETS = new Int32Array(1);

/** Reads one value; missing ones are null. */
export function createValueReader(column: ColumnMemory): ValueReader {
  const read = createPresentReader(column);
  const { validity, start } = column;
  if (validity === undefined) return read;
  return (index) => {
    const bit = start + index;
    return ((validity[bit >> 3] ?? 0) & (1 << (bit & 7))) === 0 ? null : read(index);
  };
}

function createPresentReader(column: ColumnMemory): ValueReader {
  const { type, start } = column;
  switch (type) {
    case 'int':
      return createIntReader(column.words ?? new Int32Array(0), start);
    case 'timestamp': {
      const readMs = createIntReader(column.words ?? new Int32Array(0), start);
      return (index) => isoText(readMs(index));
    }
    case 'float': {
      const floats = column.floats ?? new Float64Array(0);
      return (index) => floats[start + index];
    }
    case 'bool': {
      const bits = column.bytes ?? NO_BYTES;
      return (index) => ((bits[(start + index) >> 3] ?? 0) & (1 << ((start + index) & 7))) !== 0;
    }
    case 'string':
      return createTextReader(column);
    case 'json': {
      const readText = createTextReader(column);
      return (index) => parseJson(readText(index));
    }
    default:
      return unreachable(type);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MeshError('bad-value', `A value of the chunk is no JSON: ${text.slice(0, 40)}`, { cause });
  }
}

function createIntReader(words: Int32Array, start: number): (index: number) => number {
  return (index) => {
    const at = (start + index) * 2;
    return (words[at + 1] ?? 0) * TWO_32 + ((words[at] ?? 0) >>> 0);
  };
}

function isoText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

/** The whole column is decoded once, when the first text is asked for; each text is then a slice of it. */
function createTextReader({
  bytes = NO_BYTES,
  offsets = NO_OFFSETS,
  start,
  length,
}: ColumnMemory): (index: number) => string {
  let text: string | undefined;
  let ends: Int32Array = offsets;
  let first = start;

  function decode(): string {
    const from = offsets[start] ?? 0;
    const used = bytes.subarray(from, offsets[start + length] ?? from);
    const decoded = new TextDecoder('utf-8', { ignoreBOM: true }).decode(used);
    ends = charOffsets(used, offsets.subarray(start, start + length + 1), decoded.length);
    first = 0;
    return decoded;
  }

  return (index) => {
    text ??= decode();
    return text.slice(ends[first + index], ends[first + index + 1]);
  };
}

/** Offsets in UTF-16 code units from those in bytes. */
function charOffsets(bytes: Uint8Array, offsets: Int32Array, chars: number): Int32Array {
  const base = offsets[0] ?? 0;
  if (chars === bytes.length) return base === 0 ? offsets : offsets.map((offset) => offset - base);
  const result = new Int32Array(offsets.length);
  let at = 0;
  let count = 0;
  for (let index = 0; index < offsets.length; index += 1) {
    const end = (offsets[index] ?? 0) - base;
    for (; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      if ((byte & 0xc0) !== 0x80) count += byte >= 0xf0 ? 2 : 1;
    }
    result[index] = count;
  }
  return result;
}
