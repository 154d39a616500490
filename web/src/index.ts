// The only entry of web: the browser twin of node-peer's `join`.

export { join, type JoinOptions } from './web-peer.ts';
