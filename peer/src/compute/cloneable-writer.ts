// Structured values as bytes, the same in browser and Node: arguments, results, aggregate states and
// printed values travel so. It takes what `structuredClone` takes, keeps shared and circular references,
// and names the place of anything else, which `structuredClone` doesn't.

import { MeshError } from '@shoal/shared';

/** One byte in front of each value. The numbers travel: never change one, only add. */
export const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  int: 4,
  float: 5,
  bigint: 6,
  string: 7,
  array: 8,
  object: 9,
  map: 10,
  set: 11,
  date: 12,
  regexp: 13,
  error: 14,
  buffer: 15,
  view: 16,
  hole: 17,
  back: 18,
} as const;

/** The views that travel, by the number that stands for them. */
export const VIEW_KINDS = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
] as const;

const REFUSED = new Set([
  'Promise',
  'WeakMap',
  'WeakSet',
  'WeakRef',
  'Generator',
  'AsyncGenerator',
  'Iterator',
  'Proxy',
]);
const MAX_DEPTH = 500;
const text = new TextEncoder();

/** Throws `bad-result` naming what can't be cloned and where it lies: `result.rows[3].run is a function`. */
export function encodeCloneable(value: unknown, name = 'value'): Uint8Array {
  const out: Output = { bytes: new Uint8Array(256), used: 0, seen: new Map(), depth: 0 };
  writeValue(out, value, name);
  return out.bytes.slice(0, out.used);
}

interface Output {
  bytes: Uint8Array;
  used: number;
  /** Objects written so far, by their order. */
  readonly seen: Map<object, number>;
  depth: number;
}

type Path = string | (() => string);

function writeValue(out: Output, value: unknown, path: Path): void {
  switch (typeof value) {
    case 'undefined':
      return writeByte(out, TAG.undefined);
    case 'boolean':
      return writeByte(out, value ? TAG.true : TAG.false);
    case 'number':
      return writeNumber(out, value);
    case 'bigint':
      writeByte(out, TAG.bigint);
      return writeText(out, value.toString(16));
    case 'string':
      writeByte(out, TAG.string);
      return writeText(out, value);
    case 'object':
      if (value === null) return writeByte(out, TAG.null);
      return writeObject(out, value, path);
    case 'function':
    case 'symbol':
      throw uncloneable(path, `a ${typeof value}`);
  }
}

function writeObject(out: Output, value: object, path: Path): void {
  const back = out.seen.get(value);
  if (back !== undefined) {
    writeByte(out, TAG.back);
    return writeLength(out, back);
  }
  out.seen.set(value, out.seen.size);
  if (out.depth >= MAX_DEPTH) throw uncloneable(path, `nested more than ${MAX_DEPTH} deep`);
  out.depth += 1;
  writeByKind(out, value, path);
  out.depth -= 1;
}

function writeByKind(out: Output, value: object, path: Path): void {
  if (Array.isArray(value)) return writeArray(out, value, path);
  if (ArrayBuffer.isView(value)) return writeView(out, value, path);
  if (value instanceof ArrayBuffer) {
    writeByte(out, TAG.buffer);
    return writeBytes(out, new Uint8Array(value));
  }
  if (value instanceof Map) return writeMap(out, value, path);
  if (value instanceof Set) return writeSet(out, value, path);
  if (value instanceof Date) {
    writeByte(out, TAG.date);
    return writeFloat(out, value.getTime());
  }
  if (value instanceof RegExp) {
    writeByte(out, TAG.regexp);
    writeText(out, value.source);
    return writeText(out, value.flags);
  }
  if (value instanceof Error) {
    writeByte(out, TAG.error);
    writeText(out, value.name);
    writeText(out, value.message);
    return writeText(out, value.stack ?? '');
  }
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (REFUSED.has(kind)) throw uncloneable(path, `a ${kind}`);
  writePlain(out, value, path);
}

function writeArray(out: Output, value: readonly unknown[], path: Path): void {
  writeByte(out, TAG.array);
  writeLength(out, value.length);
  for (let index = 0; index < value.length; index += 1) {
    if (index in value) writeValue(out, value[index], () => `${pathText(path)}[${index}]`);
    else writeByte(out, TAG.hole);
  }
}

function writePlain(out: Output, value: object, path: Path): void {
  const entries = Object.entries(value);
  writeByte(out, TAG.object);
  writeLength(out, entries.length);
  for (const [name, item] of entries) {
    writeText(out, name);
    writeValue(out, item, () => `${pathText(path)}.${name}`);
  }
}

function writeMap(out: Output, value: ReadonlyMap<unknown, unknown>, path: Path): void {
  writeByte(out, TAG.map);
  writeLength(out, value.size);
  for (const [key, item] of value) {
    writeValue(out, key, () => `a key of ${pathText(path)}`);
    writeValue(out, item, () => `${pathText(path)}.get(${nameOfKey(key)})`);
  }
}

function writeSet(out: Output, value: ReadonlySet<unknown>, path: Path): void {
  writeByte(out, TAG.set);
  writeLength(out, value.size);
  for (const item of value) writeValue(out, item, () => `a member of ${pathText(path)}`);
}

function writeView(out: Output, value: ArrayBufferView, path: Path): void {
  const name = Object.prototype.toString.call(value).slice(8, -1);
  const kind = VIEW_KINDS.findIndex((known) => known === name);
  if (kind < 0) throw uncloneable(path, `a ${name}`);
  writeByte(out, TAG.view);
  writeByte(out, kind);
  writeBytes(out, new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
}

function writeNumber(out: Output, value: number): void {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 31 && !Object.is(value, -0)) {
    writeByte(out, TAG.int);
    writeLength(out, value);
  } else {
    writeByte(out, TAG.float);
    writeFloat(out, value);
  }
}

function writeFloat(out: Output, value: number): void {
  room(out, 8);
  new DataView(out.bytes.buffer).setFloat64(out.used, value, true);
  out.used += 8;
}

function writeText(out: Output, value: string): void {
  // UTF-16 halves that stand alone are strings too, and UTF-8 would lose them: they go as code units.
  if (value.isWellFormed()) {
    writeByte(out, 0);
    room(out, value.length * 3 + 5);
    const at = out.used + 5;
    const { written } = text.encodeInto(value, out.bytes.subarray(at));
    writeLength(out, written);
    out.bytes.copyWithin(out.used, at, at + written);
    out.used += written;
  } else {
    writeByte(out, 1);
    const units = Uint16Array.from({ length: value.length }, (_, index) => value.charCodeAt(index));
    writeBytes(out, new Uint8Array(units.buffer));
  }
}

function writeBytes(out: Output, value: Uint8Array): void {
  writeLength(out, value.length);
  room(out, value.length);
  out.bytes.set(value, out.used);
  out.used += value.length;
}

/** A length of 7 bits a byte, low bits first. */
function writeLength(out: Output, value: number): void {
  let rest = value;
  while (rest >= 128) {
    writeByte(out, (rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  writeByte(out, rest);
}

function writeByte(out: Output, value: number): void {
  room(out, 1);
  out.bytes[out.used] = value;
  out.used += 1;
}

function room(out: Output, count: number): void {
  if (out.used + count <= out.bytes.length) return;
  const grown = new Uint8Array(Math.max(out.bytes.length * 2, out.used + count));
  grown.set(out.bytes.subarray(0, out.used));
  out.bytes = grown;
}

function pathText(path: Path): string {
  return typeof path === 'string' ? path : path();
}

function nameOfKey(key: unknown): string {
  return typeof key === 'string'
    ? JSON.stringify(key.slice(0, 40))
    : String(typeof key === 'object' ? 'an object' : key);
}

function uncloneable(path: Path, what: string): MeshError {
  const place = pathText(path);
  return new MeshError('bad-result', `${place} is ${what}, which can't be sent.`, { detail: { place } });
}
