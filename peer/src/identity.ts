// A member's identity: a key pair kept in its storage, so that whoever comes back with the storage comes
// back as the same member, and whoever lost it is somebody new.

import { createKeyPair, keyPairOf, type KeyPair, peerIdOf, type PeerId, type Random } from '@shoal/shared';
import type { Storage } from './ports/storage.ts';

export interface Identity {
  readonly keyPair: KeyPair;
  readonly id: PeerId;
}

const META_NAME = 'identity';

/** The identity in `storage`; made, and written before it is given out, if there is none. */
export async function loadIdentity(storage: Storage, random: Random): Promise<Identity> {
  const stored = await storage.getMeta(META_NAME);
  if (stored !== undefined) return identityOf(keyPairOf(stored));
  const keyPair = createKeyPair(random);
  await storage.putMeta(META_NAME, keyPair.secretKey);
  return identityOf(keyPair);
}

/** Whose storage it is; undefined while it is nobody's. */
export async function storedIdentity(storage: Storage): Promise<PeerId | undefined> {
  const stored = await storage.getMeta(META_NAME);
  return stored === undefined ? undefined : identityOf(keyPairOf(stored)).id;
}

function identityOf(keyPair: KeyPair): Identity {
  return { keyPair, id: peerIdOf(keyPair.publicKey) };
}
