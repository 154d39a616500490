// Whether the hello of a remote lets it in.

import { SPOKEN_VERSIONS, type HelloFrame, type Incarnation, type PeerId } from '@shoal/shared';
import type { SelfView } from './mesh-links.ts';
import type { Verdict } from './session.ts';

export interface Known {
  readonly self: SelfView;
  readonly admitted: ReadonlyMap<PeerId, Incarnation>;
  readonly wanted: ReadonlyMap<PeerId, Incarnation>;
}

export function judge(member: PeerId, hello: HelloFrame, known: Known): Verdict {
  const { admitted, self, wanted } = known;
  if (hello.member !== member) return { kind: 'refused', reason: 'the hello names another member' };
  if (hello.mesh !== self.mesh || hello.meshId !== self.meshId)
    return { kind: 'refused', reason: 'the hello is of another mesh' };
  if (!hello.versions.some((version) => SPOKEN_VERSIONS.includes(version))) {
    return {
      kind: 'refused',
      reason: `no common version: here ${SPOKEN_VERSIONS.join(', ')}, there ${hello.versions.join(', ')}`,
    };
  }
  const isKnown = admitted.get(member) === hello.incarnation || wanted.get(member) === hello.incarnation;
  // Another incarnation may be one of which the news has not come yet.
  return isKnown ? { kind: 'welcome' } : { kind: 'unknown' };
}
