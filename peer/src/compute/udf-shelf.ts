// Functions as this member needs them: fetched from the mesh by their id, compiled once, kept while in use.

import { MeshError, type UdfId } from '@shoal/shared';
import type { Values } from '../ports/values.ts';
import { type LoadableUdf, sourceNameOf } from './runtime-protocol.ts';
import { compileUdf, type CompiledUdf } from './udf-compile.ts';
import { udfKey } from './udf.ts';

export interface MeshUdf extends CompiledUdf {
  loadable(instance: string): LoadableUdf;
}

export interface UdfShelf {
  /** Rejects `bad-udf` if the mesh does not have it. */
  get(id: UdfId, fileName: string, signal: AbortSignal): Promise<MeshUdf>;
}

const KEPT = 32;

export function createUdfShelf(values: Values): UdfShelf {
  const shelf = new Map<UdfId, CompiledUdf>();
  return {
    get: async (id, fileName, signal) => {
      const known = shelf.get(id);
      if (known !== undefined) return meshUdf(known, id, fileName);
      const value = await values.get(udfKey(id), { signal, contentNamed: true });
      if (value === undefined) throw new MeshError('bad-udf', `The function ${id.slice(0, 8)} is not in the mesh.`);
      const compiled = await compileUdf(new TextDecoder().decode(value.bytes), fileName);
      for (const old of [...shelf.keys()].slice(0, Math.max(0, shelf.size - KEPT + 1))) shelf.delete(old);
      shelf.set(id, compiled);
      return meshUdf(compiled, id, fileName);
    },
  };
}

export function meshUdf(compiled: CompiledUdf, id: UdfId, fileName: string): MeshUdf {
  return {
    ...compiled,
    loadable: (instance) => ({ instance, code: compiled.code, sourceName: sourceNameOf(id, fileName) }),
  };
}
