// The key-value operations of this member as compute and data use them: bytes in, bytes out, routed to
// the owner with retries. `api.ts` puts the user's types on top.

import type { Key, MeshError, PeerId, RosterEntry, Version } from '@shoal/shared';

export interface RawValue {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly version: Version;
  readonly contentNamed: boolean;
}

export interface RawOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface RawGet extends RawOptions {
  /** The key names its content, which never changes: any copy may tell it (REPLICATION, rule 17). */
  readonly contentNamed?: boolean;
}

export interface RawPut extends RawOptions {
  readonly mediaType: string;
  readonly contentNamed?: boolean;
  readonly ttlMs?: number;
  readonly expected?: Version | null;
  readonly minCopies?: number;
}

export interface RawKey {
  readonly key: Key;
  readonly sizeBytes: number;
  readonly mediaType: string;
  readonly version: Version;
  readonly member: PeerId;
}

export interface Values {
  get(key: Key, options?: RawGet & { readonly wait?: boolean }): Promise<RawValue | undefined>;
  put(key: Key, bytes: Uint8Array, options: RawPut): Promise<{ readonly version: Version; readonly copies: number }>;
  /** True if there was something. */
  delete(key: Key, options?: RawOptions & { readonly expected?: Version | null }): Promise<boolean>;
  /** All keys with that prefix, of all members, in order. */
  list(prefix: string, options?: RawOptions): AsyncIterable<RawKey>;
  /** By the table as this member knows it. */
  ownerOf(key: Key): PeerId | undefined;
  /** Why nobody can answer for the key now, with whom it waits for: `lost`. Undefined unless its slot is lost. */
  lossOf(key: Key): MeshError | undefined;
  /** Asked of the members: which holds which of these keys now. */
  holders(
    keys: readonly Key[],
    options?: RawOptions,
  ): Promise<ReadonlyMap<Key, { readonly member: PeerId; readonly sizeBytes: number }>>;
  members(): readonly RosterEntry[];
  readonly self: PeerId;
}
