// What a link shows of itself.

import type { PeerId } from '@shoal/shared';
import type { LinkView } from '../api.ts';
import type { LinkState } from './link-state.ts';
import type { Session } from './session.ts';

export function viewLink(member: PeerId, state: LinkState, session: Session | undefined): LinkView {
  return {
    member,
    state: viewedState(state),
    via: session?.via,
    roundTripMs: session?.roundTripMs,
    sentBytes: session?.outbound.sentBytes ?? 0,
    receivedBytes: session?.receivedBytes ?? 0,
    queuedBytes: session?.outbound.queuedBytes ?? 0,
  };
}

function viewedState(state: LinkState): LinkView['state'] {
  switch (state.kind) {
    case 'queued':
      return 'waiting';
    case 'replacing':
      return 'open';
    default:
      return state.kind;
  }
}
