// The only entry of signaling-server.

export * from './memory-tables.ts';
export * from './registrar-api.ts';
export { createRegistrar, type RegistrarDeps } from './registrar.ts';
export { createSignalingServer, type SignalingServer, type SignalingServerOptions } from './server.ts';
export { createTableFiles, type TableFolder } from './table-folder.ts';
