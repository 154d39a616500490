// What a member says of itself when it joins, with the proof that it is who it says.

import { type Join, joinProof, type MeshId, sign, SPOKEN_VERSIONS, type TableEpoch, toHex } from '@shoal/shared';
import type { RegistrationDeps } from './registration.ts';

export function joinAsk(
  deps: RegistrationDeps,
  nonce: string,
  { meshId, known }: { readonly meshId: MeshId | undefined; readonly known: TableEpoch | undefined },
): Join {
  const { publicKey, secretKey } = deps.identity.keyPair;
  return {
    ...deps.describe(),
    ...(meshId === undefined ? {} : { meshId }),
    ...(known === undefined ? {} : { known: { ...known } }),
    publicKey: toHex(publicKey),
    signature: toHex(sign(joinProof(nonce, deps.mesh, deps.incarnation), secretKey)),
    incarnation: deps.incarnation,
    versions: [...SPOKEN_VERSIONS],
  };
}
