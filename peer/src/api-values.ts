// Values as programs put and get them.

import type { Key, PeerId, Version } from '@shoal/shared';

/** What `get` gives back is what was put. JSON is anything else that `JSON.stringify` takes. */
export type MeshValue = Uint8Array | string | JsonValue;
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface GetOptions extends CallOptions {
  /** Wait until somebody puts the key. */
  readonly wait?: boolean;
}

export interface NewerOptions extends GetOptions {
  /** As a `get` or `put` before told it: a value that is no newer is not sent again. */
  readonly newerThan: Version;
}

export interface PutOptions extends CallOptions {
  /** Of bytes; strings and JSON have their own. */
  readonly mediaType?: string;
  readonly ttlMs?: number;
  /** `null`: only if the key is absent. */
  readonly expected?: Version | null;
  /** Ends with `degraded`, and nothing written, while there are fewer copies. */
  readonly minCopies?: number;
}

export interface PutDone {
  readonly version: Version;
  /** That have it on their storage. */
  readonly copies: number;
}

/** A value with what is known of it. */
export interface ValueEntry {
  readonly value: MeshValue;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly version: Version;
}

export interface KeyEntry {
  readonly key: Key;
  readonly sizeBytes: number;
  readonly mediaType: string;
  readonly version: Version;
  readonly member: PeerId;
}
