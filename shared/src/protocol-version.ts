// The version of what travels between members, and of signaling. One line of history for each bump.
//
// 1  the first: Get, Data, Put, Blob and the kinds that keep the mesh together

export const PROTOCOL_VERSION = 1;

/** Spoken by this release, newest first: its own and the one before. */
export const SPOKEN_VERSIONS: readonly number[] = [1];
