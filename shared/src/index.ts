// The only entry of shared.

export * from './abort.ts';
export * from './assert.ts';
export * from './clock.ts';
export * from './configuration.ts';
export * from './deferred.ts';
export * from './elapsed.ts';
export * from './emitter.ts';
export * from './frame.ts';
export * from './ids.ts';
export * from './key.ts';
export * from './limits.ts';
export * from './logger.ts';
export * from './mesh-error.ts';
export * from './signaling.ts';
export * from './slot.ts';
export * from './slot-frame.ts';
export * from './slot-span.ts';
export * from './system-clock.ts';
export * from './value-record.ts';
export * from './digest.ts';
export * from './fragment.ts';
export * from './frame-codec.ts';
export * from './identity.ts';
export * from './protocol-version.ts';
export * from './record-codec.ts';
export * from './table-codec.ts';
