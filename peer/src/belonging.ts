// Which mesh a storage belongs to: recorded at its first join, and from then on another mesh is refused.

import { MeshError, type MeshId, parseMeshId, type TableEpoch } from '@shoal/shared';
import type { Storage } from './ports/storage.ts';

export interface Belonging {
  readonly meshId: MeshId;
  /** The highest table that it obeyed: a registrar that is behind it has an old file. */
  readonly known: TableEpoch | undefined;
}

const META_NAME = 'mesh';

/** Undefined for a storage that has not joined yet. Throws `wrong-mesh` if it belongs to a mesh of another name. */
export async function readBelonging(storage: Storage, mesh: string): Promise<Belonging | undefined> {
  const stored = await storage.getMeta(META_NAME);
  if (stored === undefined) return undefined;
  const record = parse(JSON.parse(new TextDecoder().decode(stored)));
  if (record.mesh === mesh) return record;
  throw new MeshError(
    'wrong-mesh',
    `This storage belongs to the mesh "${record.mesh}", not to "${mesh}": join that one, or choose another data folder.`,
  );
}

/** Notes the mesh and the table that is obeyed now. */
export async function noteBelonging(
  storage: Storage,
  mesh: string,
  registration: { readonly standing: { readonly meshId: MeshId | undefined }; readonly table: TableEpoch },
): Promise<void> {
  const { standing, table } = registration;
  await storage.putMeta(
    META_NAME,
    new TextEncoder().encode(JSON.stringify({ mesh, meshId: standing.meshId, known: table })),
  );
}

function parse(record: unknown): Belonging & { readonly mesh: string } {
  if (typeof record === 'object' && record !== null && 'mesh' in record && 'meshId' in record) {
    const { mesh } = record;
    const meshId = parseMeshId(record.meshId);
    const known = 'known' in record ? parseKnown(record.known) : undefined;
    if (typeof mesh === 'string' && meshId !== undefined) return { mesh, meshId, known };
  }
  throw new MeshError('storage', 'The note of which mesh this storage belongs to is damaged.');
}

function parseKnown(known: unknown): TableEpoch | undefined {
  if (typeof known !== 'object' || known === null || !('term' in known) || !('epoch' in known)) return undefined;
  const { term, epoch } = known;
  return typeof term === 'number' && typeof epoch === 'number' ? { term, epoch } : undefined;
}
