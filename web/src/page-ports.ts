// The browser behind the model: joins, reads files, fetches samples, knows the page's address.

import { isMeshError, limits, MeshError } from '@shoal/shared';
import { fileSource, type PageFileSource } from './adapters/file-source.ts';
import type { LocalMemory } from './adapters/local-memory.ts';
import type { FileChoice, PagePorts } from './model/ports.ts';
import { clockOfPage, startMember } from './web-peer.ts';

export function createPagePorts(meshName: string, memory: LocalMemory): PagePorts {
  return {
    meshName,
    memory,
    clock: clockOfPage(),
    processors: navigator.hardwareConcurrency,
    start: async ({ token, ...options }) => {
      if (token !== undefined) memory.set('token', token);
      const known = token ?? memory.get('token');
      return startMember({
        ...options,
        mesh: meshName,
        clock: clockOfPage(),
        ...(known === undefined || known === '' ? {} : { token: known }),
      });
    },
    load: async (mesh, choice, { name, replace, textColumns, signal, onProgress }) => {
      const source = await sourceOf(choice, signal);
      return mesh.load(source, { name, replace, textColumns, signal, onProgress });
    },
    dryRun: async (mesh, { source, rows, params, signal }) => {
      try {
        return await mesh.dryRun({ source, fileName: 'udf.ts' }, rows, {
          signal,
          ...(params === undefined ? {} : { params }),
        });
      } catch (error) {
        if (!isMeshError(error) || error.code !== 'udf-timeout') throw error;
        const message = `Not done with the first ${rows.length} rows after ${limits.dryRunMs / 1000} s, so it was ended here. On the mesh each task has ${limits.taskTimeoutMs / 1000} s.`;
        return { kind: 'failed', failure: { message }, logs: [] };
      }
    },
    inviteLink: () => {
      const address = new URL(meshName === 'main' ? '/' : `/m/${encodeURIComponent(meshName)}`, location.origin);
      const token = memory.get('token');
      if (token !== undefined && token !== '') address.searchParams.set('token', token);
      return address.href;
    },
  };
}

async function sourceOf(choice: FileChoice, signal: AbortSignal): Promise<PageFileSource> {
  if (choice.kind === 'sample') {
    const response = await fetch(`/samples/${choice.name}`, { signal });
    if (!response.ok) throw new MeshError('bad-file', `The server has no sample ${choice.name} (${response.status}).`);
    return fileSource(await response.blob(), choice.name);
  }
  if (!(choice.file instanceof File)) throw new MeshError('bad-argument', `${choice.file.name} is no file.`);
  return fileSource(choice.file);
}
