// What a caller may be told when something can't be had. The codes are closed and stable: programs
// test them, never the sentence. The sentence is for people: it names the thing and what to do.

import { limits } from './limits.ts';

/** Every code with whether trying the same again may help. */
export const MESH_ERROR_CODES = {
  /** The caller cancelled. */
  aborted: false,
  /** The time that the caller gave ran out; what was asked may or may not have happened, once at most. */
  deadline: true,
  /** The owner of the key's slot can't be reached from here; a copy is there, and may be taking over. */
  'owner-away': true,
  /** A write may or may not have happened, once at most, and no retry can find out. */
  'unknown-outcome': false,
  /** No copy of the slot is here; it waits for the members that the sentence names. */
  lost: true,
  /** The slot has fewer copies than the caller asked for; nothing was written. */
  degraded: true,
  /** The value is not at the version that the writer expected; nothing was written. */
  version: false,
  /** A copy's storage is full; nothing was written. */
  'storage-full': true,
  /** This member's storage failed. */
  storage: true,
  /** A key that is no key: too long, not UTF-8, empty or reserved. */
  'bad-key': false,
  /** A value over the limit, or of a kind that can't be stored. */
  'bad-value': false,
  /** An argument that is not what the call takes. */
  'bad-argument': false,
  /** A frame, fragment or message that is not of its form. */
  'bad-frame': false,
  /** A frame of a version that this release does not speak. */
  'bad-version': false,
  /** A sender that may not send this. */
  forbidden: false,
  /** A queue or table at its bound. */
  busy: true,
  /** The link to the member closed before it answered. */
  'link-lost': true,
  /** No such member in the mesh. */
  'no-member': false,
  /** The member takes no tasks: paused, or without workers. */
  'no-workers': true,
  /** The registrar could not be reached. */
  'no-registrar': true,
  /** The token is missing or wrong. */
  'bad-token': false,
  /** The page or host that the request came from is not served. */
  'bad-origin': false,
  /** A newer process of the same identity took over. */
  replaced: false,
  /** This environment can't make data channels. */
  'no-webrtc': false,
  /** The data folder belongs to another mesh. */
  'wrong-mesh': false,
  /** Another process has the data folder. */
  locked: false,
  /** The port is in use. */
  'port-in-use': false,
  /** No such dataset. */
  'no-dataset': false,
  /** A dataset of that name is there already. */
  exists: false,
  /** A file that can't be read as what it should be. */
  'bad-file': false,
  /** A UDF that is refused before it is sent: syntax, default export, imports, free variables. */
  'bad-udf': false,
  /** A UDF threw. */
  'udf-threw': false,
  /** A UDF returned what can't be cloned, or too much. */
  'bad-result': false,
  /** A UDF ran longer than its deadline; its worker was ended. */
  'udf-timeout': false,
  /** The worker of a task ended before it answered. */
  'worker-lost': true,
  /** The registrar's table is missing or older than what members know. */
  'stale-table': false,
  /** This object was closed. */
  closed: false,
  /** What should never be: a bug of Shoal's. */
  internal: false,
} as const satisfies Record<string, boolean>;

export type MeshErrorCode = keyof typeof MESH_ERROR_CODES;

/** What travels of an error. */
export interface MeshErrorWire {
  readonly code: MeshErrorCode;
  readonly message: string;
  /** Facts for programs, such as member, key, row or line; small and cloneable. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface MeshErrorOptions {
  readonly cause?: unknown;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export class MeshError extends Error {
  override readonly name = 'MeshError';
  readonly code: MeshErrorCode;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: MeshErrorCode, message: string, options: MeshErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail ?? {};
  }

  /** Whether the same request may succeed when tried again. */
  get retryable(): boolean {
    return MESH_ERROR_CODES[this.code];
  }

  toWire(): MeshErrorWire {
    const { code, detail } = this;
    const message = this.message.slice(0, limits.errorChars);
    return Object.keys(detail).length === 0 ? { code, message } : { code, message, detail };
  }

  static fromWire(wire: MeshErrorWire): MeshError {
    return new MeshError(wire.code, wire.message, wire.detail === undefined ? {} : { detail: wire.detail });
  }
}

export function isMeshErrorCode(text: unknown): text is MeshErrorCode {
  return typeof text === 'string' && Object.hasOwn(MESH_ERROR_CODES, text);
}

/** By shape: two copies of this package may be loaded. */
export function isMeshError(error: unknown): error is MeshError {
  return error instanceof Error && error.name === 'MeshError' && 'code' in error && isMeshErrorCode(error.code);
}

/** Any thrown thing as a `MeshError`; what is none already becomes `internal` with its cause. */
export function toMeshError(error: unknown): MeshError {
  if (isMeshError(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new MeshError('internal', text, { cause: error });
}
