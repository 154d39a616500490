// The only entry of signaling-server.

export * from './memory-tables.ts';
export * from './registrar-api.ts';
export { createRegistrar, type RegistrarDeps } from './registrar.ts';
