// The links of this member over one transport, one for each remote, and whose turn it is to dial.

import { limits, type MeshError, type PeerId } from '@shoal/shared';
import { createLink, type Link, type LinkHost } from './link.ts';
import type { Session } from './session.ts';

export interface LinkSet {
  /** Made if it is not there. */
  of(member: PeerId): Link;
  get(member: PeerId): Link | undefined;
  all(): readonly Link[];
  /** Of an open link. */
  session(member: PeerId): Session | undefined;
  close(error: MeshError): void;
}

export function createLinkSet(deps: Omit<LinkHost, 'changed'> & { changed(member: PeerId): void }): LinkSet {
  const links = new Map<PeerId, Link>();
  const queue = new Set<Link>();
  let isClosed = false;

  const host: LinkHost = {
    ...deps,
    changed(link) {
      if (link.state.kind === 'queued') queue.add(link);
      else queue.delete(link);
      giveTurns();
      if (link.isIdle && links.get(link.member) === link) links.delete(link.member);
      deps.changed(link.member);
    },
  };

  function giveTurns(): void {
    if (isClosed) return;
    let free = limits.dialsAtOnce;
    for (const { state } of links.values()) if (state.kind === 'dialling') free -= 1;
    for (const link of [...queue].slice(0, Math.max(0, free))) {
      queue.delete(link);
      link.takeTurn();
    }
  }

  function linkOf(member: PeerId): Link {
    const known = links.get(member);
    if (known !== undefined) return known;
    const link = createLink(member, host);
    links.set(member, link);
    return link;
  }

  const stopAccepting = deps.transport.onChannel((channel) => {
    if (isClosed || channel.remote === deps.self().id) channel.close('not accepted');
    else linkOf(channel.remote).accept(channel);
  });

  return {
    of: linkOf,
    get: (member) => links.get(member),
    all: () => [...links.values()],
    session: (member) => links.get(member)?.session,
    close(error) {
      isClosed = true;
      stopAccepting();
      for (const link of [...links.values()]) link.close(error);
      links.clear();
      queue.clear();
    },
  };
}
