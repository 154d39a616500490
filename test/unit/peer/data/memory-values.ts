// The `Values` port on a Map: enough of a mesh for loads and datasets.

import {
  abortable,
  compareVersions,
  type Incarnation,
  type Key,
  MeshError,
  type PeerId,
  type RosterEntry,
  throwIfAborted,
  type Version,
} from '@shoal/shared';
import type { RawKey, RawPut, RawValue, Values } from '../../../../peer/src/ports/values.ts';

export interface MemoryValues extends Values {
  readonly kept: Map<Key, RawValue>;
  /** Puts that were open at once, at most. */
  readonly mostOpen: () => number;
  /** Called before each put is done; throws or waits as a test likes. */
  beforePut: (key: Key, put: RawPut) => Promise<void> | void;
  /** Who is in the mesh; this member alone at first. */
  roster: readonly RosterEntry[];
}

const SELF = '0'.repeat(32) as PeerId;
export const INCARNATION = '0'.repeat(16) as Incarnation;
export const ADA = { id: SELF, incarnation: INCARNATION, name: 'ada', state: 'here' } as RosterEntry;

export function createMemoryValues(): MemoryValues {
  const kept = new Map<Key, RawValue>();
  let counter = 0;
  let open = 0;
  let mostOpen = 0;

  function check(key: Key, expected: Version | null | undefined): void {
    if (expected === undefined) return;
    const now = kept.get(key)?.version;
    const fits = expected === null ? now === undefined : now !== undefined && compareVersions(now, expected) === 0;
    if (!fits) throw new MeshError('version', `${key} is at another version.`);
  }

  const values: MemoryValues = {
    kept,
    mostOpen: () => mostOpen,
    beforePut: () => undefined,
    async get(key, options = {}) {
      throwIfAborted(options.signal);
      return kept.get(key);
    },
    async put(key, bytes, options) {
      throwIfAborted(options.signal);
      open += 1;
      mostOpen = Math.max(mostOpen, open);
      try {
        await abortable(Promise.resolve(values.beforePut(key, options)), options.signal);
      } finally {
        open -= 1;
      }
      check(key, options.expected);
      counter += 1;
      const version = { epoch: 1, counter };
      kept.set(key, { bytes, mediaType: options.mediaType, version, contentNamed: options.contentNamed === true });
      return { version, copies: 1 };
    },
    async delete(key, options = {}) {
      throwIfAborted(options.signal);
      check(key, options.expected);
      return kept.delete(key);
    },
    async *list(prefix): AsyncIterable<RawKey> {
      for (const [key, { bytes, mediaType, version }] of [...kept].sort()) {
        if (key.startsWith(prefix)) yield { key, sizeBytes: bytes.length, mediaType, version, member: SELF };
      }
    },
    ownerOf: () => SELF,
    lossOf: () => undefined,
    async holders(keys) {
      return new Map(
        keys.flatMap((key) =>
          kept.has(key) ? [[key, { member: SELF, sizeBytes: kept.get(key)?.bytes.length ?? 0 }] as const] : [],
        ),
      );
    },
    roster: [ADA],
    members: () => values.roster,
    self: SELF,
  };
  return values;
}
