// Tables kept in memory: for tests and simulations, which also take copies of them and put them back.

import type { TableStore } from './registrar-api.ts';

export interface MemoryTables extends TableStore {
  /** What is stored, by mesh; may be changed, as an operator changes files. */
  readonly files: Map<string, Uint8Array>;
}

export function createMemoryTables(): MemoryTables {
  const files = new Map<string, Uint8Array>();
  return {
    files,
    read: async (mesh) => files.get(mesh),
    write: async (mesh, bytes) => {
      files.set(mesh, bytes.slice());
    },
  };
}
