// The other half of `cloneable-writer.ts`. The bytes come from members: whatever they are, the outcome is
// a value or `bad-value`, and no length in them is believed before the bytes are seen to be there.

import { MeshError } from '@shoal/shared';
import { TAG, VIEW_KINDS } from './cloneable-writer.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const MAX_DEPTH = 520;
const VIEWS: Readonly<Record<(typeof VIEW_KINDS)[number], (buffer: ArrayBuffer) => ArrayBufferView>> = {
  Int8Array: (buffer) => new Int8Array(buffer),
  Uint8Array: (buffer) => new Uint8Array(buffer),
  Uint8ClampedArray: (buffer) => new Uint8ClampedArray(buffer),
  Int16Array: (buffer) => new Int16Array(buffer),
  Uint16Array: (buffer) => new Uint16Array(buffer),
  Int32Array: (buffer) => new Int32Array(buffer),
  Uint32Array: (buffer) => new Uint32Array(buffer),
  Float32Array: (buffer) => new Float32Array(buffer),
  Float64Array: (buffer) => new Float64Array(buffer),
  BigInt64Array: (buffer) => new BigInt64Array(buffer),
  BigUint64Array: (buffer) => new BigUint64Array(buffer),
  DataView: (buffer) => new DataView(buffer),
};

interface Input {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  readonly seen: object[];
  depth: number;
}

/** Throws `bad-value` for bytes that no `encodeCloneable` made. */
export function decodeCloneable(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const input: Input = { bytes, view, at: 0, seen: [], depth: 0 };
  try {
    const value = readValue(input);
    if (input.at !== bytes.length) throw damaged('bytes left over');
    return value;
  } catch (error) {
    if (error instanceof MeshError) throw error;
    throw new MeshError('bad-value', 'A structured value is damaged.', { cause: error });
  }
}

function readValue(input: Input): unknown {
  const tag = readByte(input);
  switch (tag) {
    case TAG.undefined:
    case TAG.hole:
      return undefined;
    case TAG.null:
      return null;
    case TAG.false:
      return false;
    case TAG.true:
      return true;
    case TAG.int:
      return readLength(input);
    case TAG.float:
      return readFloat(input);
    case TAG.bigint:
      return readBigInt(input);
    case TAG.string:
      return readText(input);
    case TAG.back: {
      const known = input.seen[readLength(input)];
      if (known === undefined) throw damaged('a reference to nothing');
      return known;
    }
    default:
      return readNested(input, tag);
  }
}

function readNested(input: Input, tag: number): unknown {
  if (input.depth >= MAX_DEPTH) throw damaged('nested too deep');
  input.depth += 1;
  const value = readObject(input, tag);
  input.depth -= 1;
  return value;
}

function readObject(input: Input, tag: number): unknown {
  switch (tag) {
    case TAG.array:
      return readArray(input);
    case TAG.object:
      return readPlain(input);
    case TAG.map:
      return readMap(input);
    case TAG.set:
      return readSet(input);
    case TAG.date:
      return remember(input, new Date(readFloat(input)));
    case TAG.regexp:
      return remember(input, new RegExp(readText(input), readText(input)));
    case TAG.error:
      return readError(input);
    case TAG.buffer:
      return remember(input, readBytes(input).buffer);
    case TAG.view:
      return readView(input);
    default:
      throw damaged(`unknown tag ${tag}`);
  }
}

function remember<T extends object>(input: Input, value: T): T {
  input.seen.push(value);
  return value;
}

function readArray(input: Input): unknown[] {
  const length = readCount(input);
  const array = remember<unknown[]>(input, []);
  array.length = length;
  for (let index = 0; index < length; index += 1) {
    if (input.bytes[input.at] === TAG.hole) input.at += 1;
    else array[index] = readValue(input);
  }
  return array;
}

function readPlain(input: Input): object {
  const count = readCount(input);
  const object = remember<Record<string, unknown>>(input, {});
  for (let index = 0; index < count; index += 1) {
    const name = readText(input);
    const value = readValue(input);
    // An assignment to this one name would set the prototype.
    if (name === '__proto__')
      Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
    else object[name] = value;
  }
  return object;
}

function readMap(input: Input): Map<unknown, unknown> {
  const count = readCount(input);
  const map = remember(input, new Map<unknown, unknown>());
  for (let index = 0; index < count; index += 1) {
    const key = readValue(input);
    map.set(key, readValue(input));
  }
  return map;
}

function readSet(input: Input): Set<unknown> {
  const count = readCount(input);
  const set = remember(input, new Set<unknown>());
  for (let index = 0; index < count; index += 1) set.add(readValue(input));
  return set;
}

function readError(input: Input): Error {
  const name = readText(input);
  const error = remember(input, new Error(readText(input)));
  const stack = readText(input);
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  return error;
}

function readView(input: Input): ArrayBufferView {
  const name = VIEW_KINDS[readByte(input)];
  if (name === undefined) throw damaged('an unknown view');
  const { buffer } = readBytes(input);
  return remember(input, VIEWS[name](buffer));
}

function readBigInt(input: Input): bigint {
  const digits = readText(input);
  if (!/^-?[0-9a-f]+$/.test(digits)) throw damaged('a bigint');
  return digits.startsWith('-') ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);
}

function readText(input: Input): string {
  const form = readByte(input);
  const length = readLength(input);
  const part = take(input, length);
  if (form === 0) return utf8.decode(part);
  const units = new Uint16Array(part.slice().buffer);
  let value = '';
  for (const unit of units) value += String.fromCharCode(unit);
  return value;
}

function readFloat(input: Input): number {
  const value = input.view.getFloat64(input.at, true);
  input.at += 8;
  return value;
}

/** A fresh copy, so that the message it came in can be freed. */
function readBytes(input: Input): Uint8Array<ArrayBuffer> {
  return new Uint8Array(take(input, readLength(input)));
}

function take(input: Input, length: number): Uint8Array {
  if (length > input.bytes.length - input.at) throw damaged('it ends too early');
  const part = input.bytes.subarray(input.at, input.at + length);
  input.at += length;
  return part;
}

/** A number of items: each takes at least one byte. */
function readCount(input: Input): number {
  const count = readLength(input);
  if (count > input.bytes.length - input.at) throw damaged('it ends too early');
  return count;
}

function readLength(input: Input): number {
  let value = 0;
  for (let factor = 1; factor <= 2 ** 42; factor *= 128) {
    const byte = readByte(input);
    value += (byte % 128) * factor;
    if (byte < 128) return value;
  }
  throw damaged('a length without end');
}

function readByte(input: Input): number {
  const byte = input.bytes[input.at];
  if (byte === undefined) throw damaged('it ends too early');
  input.at += 1;
  return byte;
}

function damaged(what: string): MeshError {
  return new MeshError('bad-value', `A structured value is damaged: ${what}.`);
}
