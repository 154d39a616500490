// Members of a mesh for tests of compute: real workers, real Arrow chunks, and between them values and services
// in one process, with an owner for each key that the test chooses.

import {
  abortable,
  createSystemClock,
  createSystemRandom,
  type Key,
  MeshError,
  type PeerId,
  requireKey,
  type RosterEntry,
  silentLogger,
  throwIfAborted,
} from '@shoal/shared';
import type { RawValue, ServiceHandler, ServiceMessage, Services, Values, WorkerHost } from '@shoal/peer';
import { createThreadWorkerHost } from '../../../../node-peer/src/adapters/thread-worker-host.ts';
import { type Compute, createCompute } from '../../../../peer/src/compute/compute.ts';
import { arrowChunkCodec } from '../../../../peer/src/data/arrow-chunk.ts';
import type { Row } from '../../../../peer/src/data/column.ts';
import { chunkKey, writeDatasetRecord } from '../../../../peer/src/data/dataset-record.ts';

export interface TestMember {
  readonly id: PeerId;
  readonly name: string;
  readonly compute: Compute;
  readonly values: Values;
  /** Keys that this member read from another. */
  readonly fetched: Key[];
  change(entry: Partial<RosterEntry>): void;
}

export interface TestMesh {
  readonly members: readonly TestMember[];
  readonly stored: Map<Key, RawValue>;
  /** Who owns what does not say otherwise. */
  owner: (key: Key) => PeerId;
  isLost: (key: Key) => boolean;
  /** Called before a member serves an ask. */
  onAsk: (member: PeerId, service: string) => void;
  load(name: string, chunks: readonly (readonly Row[])[]): Promise<void>;
  close(): Promise<void>;
}

export const NAMES = ['ada', 'ben', 'cleo'];

/** `workers` for each member, in the order of `NAMES`. Chunks belong to the members by turns. */
export function createTestMesh(
  workers: readonly number[],
  makeHost: () => WorkerHost = createThreadWorkerHost,
): TestMesh {
  const stored = new Map<Key, RawValue>();
  const roster = workers.map((count, index) => rosterEntry(index, count));
  const handlers = new Map<string, ServiceHandler>();
  const hosts: WorkerHost[] = [];
  const mesh = { stored, onAsk: () => undefined, isLost: () => false } as unknown as TestMesh & {
    members: TestMember[];
  };
  mesh.owner = (key) => {
    const index = Number(/~chunk\/[^/]*\/(\d+)\//.exec(key)?.[1] ?? 0);
    return idOf(index % roster.length);
  };
  mesh.members = roster.map((entry, index) => {
    const host = makeHost();
    hosts.push(host);
    const fetched: Key[] = [];
    const values = testValues({ mesh, stored, self: entry.id, roster: () => roster, fetched });
    const compute = createCompute({
      self: { id: entry.id, name: entry.name },
      values,
      services: testServices(entry.id, handlers, mesh),
      host,
      clock: createSystemClock(),
      random: createSystemRandom(),
      logger: silentLogger,
      codec: async () => arrowChunkCodec,
      workers: entry.workers,
    });
    compute.serve();
    const change = (changes: Partial<RosterEntry>): void => {
      const known = roster[index];
      if (known !== undefined) roster[index] = { ...known, ...changes };
    };
    return { id: entry.id, name: entry.name, compute, values, fetched, change };
  });
  mesh.load = (name, chunks) => loadChunks(mesh.members[0]?.values, name, chunks);
  mesh.close = async () => {
    await Promise.all(mesh.members.map(({ compute }) => compute.close()));
    await Promise.all(hosts.map((host) => host.close()));
  };
  return mesh;
}

export function idOf(index: number): PeerId {
  return `${index + 1}`.repeat(32) as PeerId;
}

function rosterEntry(index: number, workers: number): RosterEntry {
  return {
    id: idOf(index),
    incarnation: '0'.repeat(16) as RosterEntry['incarnation'],
    publicKey: '',
    kind: 'node',
    name: NAMES[index] ?? `member ${index}`,
    state: 'here',
    durability: 'strict',
    ephemeral: false,
    workers,
    weight: 1,
    freeBytes: 1,
    domain: '',
    seenAtMs: 0,
  };
}

interface ValuesOptions {
  readonly mesh: TestMesh;
  readonly stored: Map<Key, RawValue>;
  readonly self: PeerId;
  readonly roster: () => readonly RosterEntry[];
  readonly fetched: Key[];
}

function testValues({ mesh, stored, self, roster, fetched }: ValuesOptions): Values {
  let version = 0;
  const nextVersion = (): RawValue['version'] => {
    version += 1;
    return { epoch: 1, counter: version } as unknown as RawValue['version'];
  };
  return {
    self,
    members: roster,
    ownerOf: (key) => mesh.owner(key),
    lossOf: (key) => (mesh.isLost(key) ? new MeshError('lost', `"${key}" is lost.`) : undefined),
    get: async (key, options) => {
      throwIfAborted(options?.signal);
      if (mesh.owner(key) !== self) fetched.push(key);
      return stored.get(key);
    },
    put: async (key, bytes, { mediaType, contentNamed = false, signal }) => {
      throwIfAborted(signal);
      const value = { bytes: bytes.slice(), mediaType, contentNamed, version: nextVersion() };
      stored.set(key, value);
      return { version: value.version, copies: 1 };
    },
    delete: async (key) => stored.delete(key),
    list: () => {
      throw new Error('not needed');
    },
    holders: async (keys) =>
      new Map(keys.map((key) => [key, { member: mesh.owner(key), sizeBytes: stored.get(key)?.bytes.length ?? 0 }])),
  };
}

function testServices(self: PeerId, handlers: Map<string, ServiceHandler>, mesh: TestMesh): Services {
  return {
    serve: (name, handler) => {
      handlers.set(`${self} ${name}`, handler);
      return () => handlers.delete(`${self} ${name}`);
    },
    ask: async (member, name, message, options = {}) => {
      mesh.onAsk(member, name);
      const handler = handlers.get(`${member} ${name}`);
      if (handler === undefined) throw new MeshError('link-lost', `No link to ${member}.`);
      const { signal = new AbortController().signal } = options;
      const fill = (part: Partial<ServiceMessage>): ServiceMessage => ({
        body: part.body ?? null,
        payload: part.payload ?? new Uint8Array(),
      });
      const answer = handler({
        ...fill(message),
        from: self,
        signal,
        note: async (note) => options.onNote?.(fill(note)),
      });
      return fill(await abortable(answer, signal));
    },
  };
}

async function loadChunks(
  values: Values | undefined,
  name: string,
  chunks: readonly (readonly Row[])[],
): Promise<void> {
  if (values === undefined) throw new Error('a mesh has members');
  let firstRow = 0;
  const entries = [];
  for (const [index, rows] of chunks.entries()) {
    const columns = arrowChunkCodec.inferColumns(rows);
    const bytes = arrowChunkCodec.encode(columns, rows);
    const key = chunkKey('0123456789abcdef', index, 'a'.repeat(64));
    await values.put(key, bytes, { mediaType: 'application/vnd.apache.arrow.stream' });
    entries.push({ key, rows: rows.length, firstRow, bytes: bytes.length });
    firstRow += rows.length;
  }
  const columns = arrowChunkCodec.inferColumns(chunks.flat()).map((column) => ({ ...column, missing: 0, unfit: 0 }));
  const info = {
    name,
    rowCount: firstRow,
    sizeBytes: 1,
    columns,
    chunkCount: chunks.length,
    brokenLines: 0,
    createdAtMs: 0,
    source: 'test',
  };
  await writeDatasetRecord(
    values,
    { id: '0123456789abcdef', info, chunks: entries, leftovers: [], isDropped: false },
    { expected: null },
  );
}

/** Rows `{ n, name }` in chunks of `size`. */
export function numbered(count: number, size: number): readonly (readonly Row[])[] {
  const chunks: Row[][] = [];
  for (let first = 0; first < count; first += size) {
    chunks.push(
      Array.from({ length: Math.min(size, count - first) }, (_, index) => ({
        n: first + index,
        name: `row ${first + index}`,
      })),
    );
  }
  return chunks;
}

export { requireKey };
