// A stored value: its head (version, request id, flags, expiry, media type) and, apart from it, its bytes.

import type { RequestId } from './ids.ts';

/** (slot epoch, counter of the slot), both uint32, compared in this order, shown as `57.1204`. */
export interface Version {
  readonly epoch: number;
  readonly counter: number;
}

export interface RecordHead {
  readonly version: Version;
  /** The write that made it: a retry that meets its own id has its answer. */
  readonly requestId: RequestId;
  /** A delete, kept until everybody who might bring the key back knows of it. */
  readonly tombstone: boolean;
  /** The key names the content: it never changes, any copy may answer, caches keep it for ever. */
  readonly contentNamed: boolean;
  /** An instant of mesh time (ms since 1970) from which the owner answers absent. */
  readonly expiresAtMs?: number;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** Mesh time of the write: a tombstone's age. */
  readonly writtenAtMs: number;
}

export const ZERO_VERSION: Version = { epoch: 0, counter: 0 };

/** Negative if `a` is older than `b`, 0 if equal. */
export function compareVersions(a: Version, b: Version): number {
  return a.epoch - b.epoch || a.counter - b.counter;
}

export function formatVersion(version: Version): string {
  return `${version.epoch}.${version.counter}`;
}

const VERSION = /^(\d{1,10})\.(\d{1,10})$/;

export function parseVersion(text: unknown): Version | undefined {
  const match = typeof text === 'string' ? VERSION.exec(text) : null;
  if (match === null) return undefined;
  const epoch = Number(match[1]);
  const counter = Number(match[2]);
  return epoch < 2 ** 32 && counter < 2 ** 32 ? { epoch, counter } : undefined;
}
