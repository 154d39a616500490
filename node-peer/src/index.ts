// The only entry of node-peer for programs: `join` gives the mesh object.

export { join, type JoinOptions } from './node-peer.ts';
export type * from '@shoal/peer';
export { MeshError, type MeshErrorCode } from '@shoal/shared';
