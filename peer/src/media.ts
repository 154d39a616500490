// A user's value as bytes with a media type, and back: `get` gives what was put.

import { limits, MeshError } from '@shoal/shared';
import type { JsonValue, MeshValue } from './api.ts';

export const BYTES = 'application/octet-stream';
export const TEXT = 'text/plain;charset=utf-8';
export const JSON_TYPE = 'application/json';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface EncodedValue {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

/** `what` names the value in the sentence of an error. Throws `bad-value`. */
export function encodeValue(value: unknown, what: string, mediaType: string = BYTES): EncodedValue {
  const encoded = encode(value, what, mediaType);
  if (encoded.bytes.byteLength > limits.valueBytes) {
    throw new MeshError(
      'bad-value',
      `${what} has ${encoded.bytes.byteLength} bytes; a value has at most ${limits.valueBytes} (64 MiB): cut it into several.`,
    );
  }
  return encoded;
}

export function decodeValue(bytes: Uint8Array, mediaType: string): MeshValue {
  if (mediaType === TEXT) return decoder.decode(bytes);
  return mediaType === JSON_TYPE ? decodeJson(bytes) : bytes;
}

/** Bytes that were put as JSON, and are none, stay what they are. */
function decodeJson(bytes: Uint8Array): MeshValue {
  try {
    return JSON.parse(decoder.decode(bytes)) as JsonValue;
  } catch {
    return bytes;
  }
}

function encode(value: unknown, what: string, mediaType: string): EncodedValue {
  if (value instanceof Uint8Array) {
    if (encoder.encode(mediaType).length > limits.mediaTypeBytes) {
      throw new MeshError('bad-value', `The media type of ${what} is longer than ${limits.mediaTypeBytes} bytes.`);
    }
    // A plain copy: the caller may go on writing into its own, which may be a Buffer.
    return { bytes: Uint8Array.from(value), mediaType };
  }
  if (typeof value === 'string') return { bytes: encoder.encode(value), mediaType: TEXT };
  return { bytes: encoder.encode(jsonText(value, what)), mediaType: JSON_TYPE };
}

function jsonText(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new MeshError(
      'bad-value',
      `${what} can't be stored: ${error instanceof Error ? error.message : String(error)}.`,
      { cause: error },
    );
  }
  if (text === undefined) {
    throw new MeshError('bad-value', `${what} can't be stored: it is ${typeof value}. Bytes, strings and JSON can.`);
  }
  return text;
}
