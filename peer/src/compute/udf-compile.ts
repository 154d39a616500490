// TypeScript to JavaScript. Only types are taken out and lines stay where they are, so that a line in a
// stack is the line in the user's file.

import { MeshError } from '@shoal/shared';

export interface CompiledUdf {
  readonly code: string;
  /** For columns: `columnInSource`. */
  readonly source: string;
}

/** Throws `bad-udf` with line and column in its detail. Sucrase is loaded on the first call. */
export async function compileUdf(source: string, fileName: string): Promise<CompiledUdf> {
  const { transform } = await import('sucrase');
  try {
    // An import that is not used is still an import, which the check must see.
    const options = { transforms: ['typescript' as const], disableESTransforms: true, keepUnusedImports: true };
    return { code: transform(source, options).code, source };
  } catch (error) {
    throw await furthest(syntaxError(error, fileName), source, fileName);
  }
}

/** Sucrase blames the beginning of an arrow function for what is wrong inside. acorn knows no types, and where it gets further it is right. */
async function furthest(error: MeshError, source: string, fileName: string): Promise<MeshError> {
  const { parse } = await import('acorn');
  try {
    parse(source, { ecmaVersion: 'latest', sourceType: 'module' });
    return error;
  } catch (thrown) {
    const other = syntaxError(thrown, fileName);
    return placeOf(other) > placeOf(error) ? other : error;
  }
}

function placeOf({ detail }: MeshError): number {
  return Number(detail['line'] ?? 0) * 100_000 + Number(detail['column'] ?? 0);
}

/** A `bad-udf` of what sucrase or acorn threw: both name the place as `(line:column)`. */
export function syntaxError(error: unknown, fileName: string): MeshError {
  const text = error instanceof Error ? error.message : String(error);
  const place = /\((\d+):(\d+)\)/.exec(text);
  const what = text.replace(/^Error transforming [^:]*: /, '').replace(/\s*\(\d+:\d+\)\s*$/, '');
  if (place === null) return new MeshError('bad-udf', `${fileName} can't be read: ${what}`, { cause: error });
  const line = Number(place[1]);
  return new MeshError('bad-udf', `${fileName}, line ${line}: ${what}`, {
    cause: error,
    detail: { line, column: Number(place[2]) + 1, name: 'syntax' },
  });
}

/** The column in the user's file (both from 1) of a column in the compiled line, where it can be told: types that were taken out shift what follows them. */
export function columnInSource(
  source: string,
  code: string,
  place: { readonly line: number; readonly column: number },
): number | undefined {
  const before = source.split('\n')[place.line - 1] ?? '';
  const after = code.split('\n')[place.line - 1] ?? '';
  const at = place.column - 1;
  let same = 0;
  while (same < before.length && same < after.length && before[same] === after[same]) same += 1;
  if (before === after || at < same) return place.column;
  const shift = before.length - after.length;
  return after.slice(at) === before.slice(at + shift) ? place.column + shift : undefined;
}
