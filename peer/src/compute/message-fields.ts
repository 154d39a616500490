// What every message about tasks is parsed with: structured values in the payload of Blob frames, foreign until
// each field has been looked at. What does not fit is a `bad-frame`.

import {
  isMeshErrorCode,
  type Key,
  MeshError,
  type MeshErrorWire,
  parseKey,
  parseUdfId,
  type UdfId,
} from '@shoal/shared';
import { decodeCloneable } from './cloneable-reader.ts';

export type Fields = Readonly<Record<string, unknown>>;

export function fields(payload: Uint8Array): Fields {
  return record(decodeCloneable(payload));
}

export function record(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badMessage();
  return value as Fields;
}

export function list<T>(value: unknown, parse: (item: Fields) => T): readonly T[] {
  if (!Array.isArray(value)) throw badMessage();
  return value.map((item: unknown) => parse(record(item)));
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw badMessage();
  return value;
}

export function number(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw badMessage();
  return value;
}

export function optionalNumber<Name extends string>(name: Name, value: unknown): { readonly [field in Name]?: number } {
  // One field by a name that is a type parameter: TypeScript sees a record of any name.
  return (typeof value === 'number' ? { [name]: value } : {}) as { readonly [field in Name]?: number };
}

export function bytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw badMessage();
  return value;
}

export function key(value: unknown): Key {
  const parsed = parseKey(value);
  if (parsed === undefined) throw badMessage();
  return parsed;
}

export function udfId(value: unknown): UdfId {
  const parsed = parseUdfId(value);
  if (parsed === undefined) throw badMessage();
  return parsed;
}

export function errorWire(value: unknown): MeshErrorWire {
  const { code, message, detail } = record(value);
  if (!isMeshErrorCode(code)) throw badMessage();
  return { code, message: text(message), ...(detail === undefined ? {} : { detail: record(detail) }) };
}

export function badMessage(): MeshError {
  return new MeshError('bad-frame', 'A message about tasks is not of its form.');
}
