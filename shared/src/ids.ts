// The names of things that travel: branded, so that two kinds of id can't be swapped. An id from
// outside becomes one by its `parseX`, which gives undefined for anything else.

type Brand<T, Name extends string> = T & { readonly __brand: Name };

/** A member: the first 16 bytes of the SHA-256 of its Ed25519 public key, 32 hex digits. */
export type PeerId = Brand<string, 'PeerId'>;

/** One life of a member's process: 64 random bits, 16 hex digits, drawn at each start. */
export type Incarnation = Brand<string, 'Incarnation'>;

/** A mesh on one registrar's table: 128 random bits, 32 hex digits, drawn when the table is made. */
export type MeshId = Brand<string, 'MeshId'>;

/** A way between two members over the links of a third: 64 random bits, 16 hex digits, drawn by who dials. */
export type PathId = Brand<string, 'PathId'>;

/** A request, the same over all its tries: the asker's incarnation and a counter, `0123456789abcdef.17`. */
export type RequestId = Brand<string, 'RequestId'>;

/** A UDF: the SHA-256 of its source, 64 hex digits. */
export type UdfId = Brand<string, 'UdfId'>;

const PEER_ID = /^[0-9a-f]{32}$/;
const INCARNATION = /^[0-9a-f]{16}$/;
const REQUEST_ID = /^[0-9a-f]{16}\.(0|[1-9][0-9]{0,9})$/;
const UDF_ID = /^[0-9a-f]{64}$/;

export function parsePeerId(text: unknown): PeerId | undefined {
  return typeof text === 'string' && PEER_ID.test(text) ? (text as PeerId) : undefined;
}

export function parseIncarnation(text: unknown): Incarnation | undefined {
  return typeof text === 'string' && INCARNATION.test(text) ? (text as Incarnation) : undefined;
}

export function parsePathId(text: unknown): PathId | undefined {
  return typeof text === 'string' && INCARNATION.test(text) ? (text as PathId) : undefined;
}

export function parseMeshId(text: unknown): MeshId | undefined {
  return typeof text === 'string' && PEER_ID.test(text) ? (text as MeshId) : undefined;
}

export function parseRequestId(text: unknown): RequestId | undefined {
  return typeof text === 'string' && REQUEST_ID.test(text) ? (text as RequestId) : undefined;
}

export function parseUdfId(text: unknown): UdfId | undefined {
  return typeof text === 'string' && UDF_ID.test(text) ? (text as UdfId) : undefined;
}

/** The `counter`th request of the process that is `incarnation`. */
export function makeRequestId(incarnation: Incarnation, counter: number): RequestId {
  return `${incarnation}.${counter}` as RequestId;
}

/** What people see of an id: the first 8 digits. */
export function shortId(id: PeerId | Incarnation | UdfId | MeshId): string {
  return id.slice(0, 8);
}
