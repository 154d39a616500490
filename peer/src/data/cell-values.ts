// From what a file says to what a column holds. Missing is an empty cell or `null`, in CSV and in JSON;
// nothing else is guessed to be missing ("NA" is a text, and Namibia). What does not fit is said to be unfit.

import { unreachable } from '@shoal/shared';
import type { ColumnType } from './column.ts';
import { parseTimestamp } from './parse-timestamp.ts';

/** Number for int, float and timestamp (ms); text for string and json; boolean for bool. */
export type Cell = number | string | boolean;

/** `null`: missing. `undefined`: does not fit the column. */
export type Fit = Cell | null | undefined;
export type Fitter = (value: unknown) => Fit;

const INTEGER = /^-?(?:0|[1-9]\d*)$/;
const FLOAT = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
]);

/** The narrowest type of a value; `undefined` if it is missing. Integers beyond 2^53 and numbers with leading zeros are text. */
export function typeOfText(text: string): ColumnType | undefined {
  if (isMissingText(text)) return undefined;
  const trimmed = text.trim();
  if (trimmed.length === 0) return undefined;
  if (BOOLEANS.has(trimmed)) return 'bool';
  if (INTEGER.test(trimmed)) return Number.isSafeInteger(Number(trimmed)) ? 'int' : 'string';
  if (FLOAT.test(trimmed)) return Number.isFinite(Number(trimmed)) ? 'float' : 'string';
  return parseTimestamp(trimmed) === undefined ? 'string' : 'timestamp';
}

export function typeOfJson(value: unknown): ColumnType | undefined {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isSafeInteger(value) ? 'int' : 'float';
    case 'string':
      return parseTimestamp(value) === undefined ? 'string' : 'timestamp';
    default:
      return value === null || value === undefined ? undefined : 'json';
  }
}

/** Fits cells of CSV. */
export function textFitter(type: ColumnType): Fitter {
  switch (type) {
    case 'string':
    case 'json':
      return (value) => (typeof value !== 'string' || isMissingText(value) ? null : value);
    case 'bool':
      return trimmed((text) => BOOLEANS.get(text));
    case 'int':
      return trimmed(intOf);
    case 'float':
      return trimmed(floatOf);
    case 'timestamp':
      return trimmed(parseTimestamp);
    default:
      return unreachable(type);
  }
}

/** Fits parsed JSON, and what a UDF returned. */
export function jsonFitter(type: ColumnType): Fitter {
  const fit = presentJsonFitter(type);
  return (value) => (value === null || value === undefined ? null : fit(value));
}

function presentJsonFitter(type: ColumnType): Fitter {
  switch (type) {
    case 'string':
      return textOfJson;
    case 'json':
      return jsonText;
    case 'bool':
      return (value) => (typeof value === 'boolean' ? value : undefined);
    case 'int':
      return (value) =>
        Number.isSafeInteger(value) ? (value as number) : typeof value === 'boolean' ? Number(value) : undefined;
    case 'float':
      return (value) => (typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : undefined);
    case 'timestamp':
      return timestampOfJson;
    default:
      return unreachable(type);
  }
}

function isMissingText(text: string): boolean {
  return text.length === 0 || text === 'null';
}

function trimmed(fit: (text: string) => Fit): Fitter {
  return (value) => {
    if (typeof value !== 'string' || isMissingText(value)) return null;
    const text = value.trim();
    return text.length === 0 ? null : fit(text);
  };
}

function intOf(text: string): Fit {
  if (!INTEGER.test(text)) {
    const bool = BOOLEANS.get(text);
    return bool === undefined ? undefined : Number(bool);
  }
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

function floatOf(text: string): Fit {
  if (!FLOAT.test(text)) return intOf(text);
  const value = Number(text);
  return Number.isFinite(value) && !(INTEGER.test(text) && !Number.isSafeInteger(value)) ? value : undefined;
}

function textOfJson(value: unknown): Fit {
  if (typeof value === 'string') return value;
  return typeof value === 'object' ? jsonText(value) : String(value);
}

function timestampOfJson(value: unknown): Fit {
  if (typeof value === 'string') return parseTimestamp(value);
  if (!(value instanceof Date)) return undefined;
  const ms = value.getTime();
  return Number.isNaN(ms) ? undefined : ms;
}

/** JSON of anything that can be cloned; what JSON has no word for becomes text or null, as `JSON.stringify` does. */
function jsonText(value: unknown): Fit {
  try {
    return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  } catch {
    // Circular, or a `toJSON` that throws: it does not fit.
    return undefined;
  }
}
