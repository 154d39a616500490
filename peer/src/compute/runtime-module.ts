// The user's module inside a worker: imported once for each job, its default export looked at, and
// the frames of its stacks found among all others.

import { MeshError } from '@shoal/shared';
import type { LoadableUdf, RuntimeFailure } from './runtime-protocol.ts';
import { FORMS, formOfParts } from './udf-form.ts';
import type { UdfForm } from './udf.ts';
import { encodeCloneable } from './cloneable-writer.ts';

/** What users' functions take and give is theirs. */
export type UserFunction = (...args: readonly unknown[]) => unknown;

export interface LoadedUdf {
  readonly form: UdfForm;
  readonly sourceName: string;
  /** The default export's functions; `default` for a plain one. Called as methods of it. */
  part(name: 'default' | 'map' | 'filter' | 'init' | 'visit' | 'join' | 'finish'): UserFunction | undefined;
}

/** Imports a module from its text: a `blob:` URL in the cage, a `data:` URL in Node. */
export type ImportModule = (code: string) => Promise<unknown>;

const KEPT = 4;

export function createModuleLoader(importModule: ImportModule): (udf: LoadableUdf) => Promise<LoadedUdf> {
  const loaded = new Map<string, LoadedUdf>();
  return async (udf) => {
    const known = loaded.get(udf.instance);
    if (known !== undefined) return known;
    // Node gives the same module for the same text: the instance makes it another.
    const module = await importModule(`${udf.code}\n// ${udf.instance}\n//# sourceURL=${udf.sourceName}`);
    const fresh = loadedUdf(module, udf.sourceName);
    for (const instance of [...loaded.keys()].slice(0, Math.max(0, loaded.size - KEPT + 1))) loaded.delete(instance);
    loaded.set(udf.instance, fresh);
    return fresh;
  };
}

function loadedUdf(module: unknown, sourceName: string): LoadedUdf {
  const exported: unknown =
    typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  if (typeof exported === 'function') {
    const alone = exported as UserFunction;
    return { form: 'function', sourceName, part: (name) => (name === 'default' ? alone : undefined) };
  }
  if (typeof exported !== 'object' || exported === null)
    throw new MeshError('bad-udf', `The default export must be ${FORMS}.`);
  const parts = exported as Readonly<Record<string, unknown>>;
  const names = ['map', 'filter', 'init', 'visit', 'join', 'finish'].filter(
    (name) => typeof parts[name] === 'function',
  );
  const form = formOfParts(new Set(names));
  if (typeof form !== 'string') throw new MeshError('bad-udf', `The default export ${form.why}.`);
  return {
    form,
    sourceName,
    part: (name) => {
      const part = parts[name];
      return typeof part === 'function' ? (part as UserFunction).bind(exported) : undefined;
    },
  };
}

/** Where in the user's file a stack begins: its innermost frame there. */
export function placeInStack(
  stack: string | undefined,
  sourceName: string,
): { readonly line: number; readonly column: number } | undefined {
  if (stack === undefined) return undefined;
  const at = stack.indexOf(`${sourceName}:`);
  if (at < 0) return undefined;
  const place = /^(\d+):(\d+)/.exec(stack.slice(at + sourceName.length + 1));
  return place === null ? undefined : { line: Number(place[1]), column: Number(place[2]) };
}

/** Anything that was thrown while the user's code ran. */
export function failureOf(
  thrown: unknown,
  sourceName: string,
  at: { readonly rowNumber: number; readonly row: unknown } | undefined,
): RuntimeFailure {
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  const place = placeInStack(stack, sourceName);
  return {
    code: thrown instanceof MeshError ? thrown.code : 'udf-threw',
    message: messageOf(thrown),
    ...(at === undefined ? {} : { rowNumber: at.rowNumber, ...encodedRow(at.row) }),
    ...place,
    ...(stack === undefined ? {} : { stack: userStack(stack, sourceName) }),
  };
}

function encodedRow(row: unknown): { readonly row?: Uint8Array } {
  try {
    return { row: encodeCloneable(typeof row === 'object' && row !== null ? { ...row } : row) };
  } catch {
    // The function put something into its row that can't be sent: the row is shown without it.
    return {};
  }
}

function messageOf(thrown: unknown): string {
  if (thrown instanceof MeshError) return thrown.message;
  if (thrown instanceof Error) return thrown.name === 'Error' ? thrown.message : `${thrown.name}: ${thrown.message}`;
  try {
    return `thrown: ${typeof thrown === 'object' ? (JSON.stringify(thrown) ?? '') : String(thrown)}`;
  } catch {
    return 'thrown: something that has no text';
  }
}

/** The user's frames alone, under the name of the user's file. */
function userStack(stack: string, sourceName: string): string {
  const fileName = sourceName.slice(sourceName.lastIndexOf('/') + 1);
  const lines = stack.split('\n').filter((line) => line.includes(sourceName));
  return lines
    .map((line) => line.trim().replaceAll(sourceName, fileName))
    .join('\n')
    .slice(0, 4_000);
}
