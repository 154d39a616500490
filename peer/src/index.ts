// The only entry of peer. What is large (Arrow, sucrase, acorn, papaparse) is behind `import()`.

export { createGroupCommit, type GroupCommit } from './adapters/group-commit.ts';
export { createMemoryStorage, type MemoryStorage } from './adapters/memory/storage.ts';
export type * from './adapters/rtc-types.ts';
export { createSimplePeerTransport, type SimplePeerTransportDeps } from './adapters/simple-peer-transport.ts';
export { createSocketIoRendezvous, type SocketIoRendezvousOptions } from './adapters/socket-io-rendezvous.ts';
export type * from './api.ts';
export type { Column, ColumnType, Row } from './data/column.ts';
export { type Identity, loadIdentity, storedIdentity } from './identity.ts';
export { lackOf } from './listing.ts';
export { createPeer, type PeerConfig, type PeerDeps, type TransportContext } from './peer.ts';
export { reasonOf, type Trouble, troublesOf } from './slot-troubles.ts';
export type * from './ports/rendezvous.ts';
export type * from './ports/services.ts';
export type * from './ports/storage.ts';
export type * from './ports/transport.ts';
export type * from './ports/values.ts';
export type * from './ports/worker-host.ts';
