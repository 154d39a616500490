// All links of this member: whom to dial and whom to let in, the heartbeat of all of them, and who is silent.

import {
  abortable,
  createEmitter,
  limits,
  MeshError,
  shortId,
  SPOKEN_VERSIONS,
  throwIfAborted,
  toMeshError,
} from '@shoal/shared';
import type { Clock, HelloFrame, Incarnation, Logger, PeerId, Random } from '@shoal/shared';
import type { Transport } from '../ports/transport.ts';
import { createLink, type Link, type LinkHost } from './link.ts';
import type { LinkLeases, MeshLinkEvents, MeshLinks, SelfView, WantedMember } from './mesh-links.ts';
import { startPulse } from './pulse.ts';
import type { Session, Verdict } from './session.ts';

export type { MeshLinkEvents, MeshLinks, SelfView, WantedMember } from './mesh-links.ts';

export interface MeshLinksDeps {
  readonly self: () => SelfView;
  /** Opened and closed by whoever made it. */
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly leases?: LinkLeases;
}

export function createMeshLinks(deps: MeshLinksDeps): MeshLinks {
  const { clock, logger, self, transport } = deps;
  const links = new Map<PeerId, Link>();
  const queue = new Set<Link>();
  let wanted: ReadonlyMap<PeerId, Incarnation> = new Map();
  let admitted: ReadonlyMap<PeerId, Incarnation> = new Map();
  let heardAt = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  let isClosed = false;
  const events = createEmitter<MeshLinkEvents>((error, name) => {
    logger.error('listener-threw', { event: name, error: toMeshError(error) });
  });

  const host: LinkHost = {
    ...deps,
    judge: (member, hello) => judge(member, hello, { self: self(), admitted, wanted }),
    opened: ({ member }, { incarnation, durability }) => events.emit('linkOpened', { member, incarnation, durability }),
    lost: ({ member }, { incarnation }, reason) => events.emit('linkClosed', { member, incarnation, reason }),
    frameReceived: ({ member }, { incarnation }, frame) =>
      events.emit('frameReceived', { from: member, incarnation, frame }),
    goodbyeReceived: ({ member }, { incarnation }) => events.emit('goodbyeReceived', { from: member, incarnation }),
    heard({ member }) {
      heardAt = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
      events.emit('heard', { member });
    },
    changed(link) {
      if (link.state.kind === 'queued') queue.add(link);
      else queue.delete(link);
      giveTurns();
      if (link.isIdle && links.get(link.member) === link) links.delete(link.member);
      events.emit('linkChanged', { member: link.member });
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

  /** An older life of a member that now has another. */
  function dropStale(): void {
    for (const link of [...links.values()]) {
      const has = link.session?.hello?.incarnation;
      const now = admitted.get(link.member) ?? wanted.get(link.member);
      if (has !== undefined && now !== undefined && has !== now) link.drop('another incarnation is admitted');
    }
  }

  function openSession(member: PeerId): Session {
    const session = links.get(member)?.session;
    if (session !== undefined) return session;
    throw new MeshError('link-lost', `There is no link to member ${shortId(member)}.`, { detail: { member } });
  }

  const stopAccepting = transport.onChannel((channel) => {
    if (isClosed || channel.remote === self().id) channel.close('not accepted');
    else linkOf(channel.remote).accept(channel);
  });

  const pulse = startPulse(clock, {
    beat() {
      for (const link of links.values()) link.session?.beat();
    },
    passed(elapsedMs) {
      for (const link of [...links.values()]) {
        if ((link.session?.addSilence(elapsedMs) ?? 0) >= limits.graceMs) link.foundSilent();
      }
    },
    stoodStill(elapsedMs) {
      logger.warn('stood-still', { elapsedMs });
      for (const link of links.values()) link.session?.forgive();
    },
  });

  return {
    on: events.on,
    want(members) {
      if (isClosed) return;
      const before = wanted;
      wanted = byId(members, self().id);
      for (const link of [...links.values()]) {
        if (wanted.has(link.member)) continue;
        link.setWanted(false);
        if (link.isDialledByUs && !link.isAsked) link.drop('not wanted any more');
      }
      for (const [member, incarnation] of wanted) {
        const link = linkOf(member);
        link.setWanted(true);
        // A dial of its former life meets nobody, and would take its whole time.
        if ((before.get(member) ?? incarnation) !== incarnation && isWithoutChannel(link))
          link.drop('another incarnation is wanted');
      }
      dropStale();
      for (const link of [...links.values()]) link.judgeAgain();
    },
    admit(members) {
      if (isClosed) return;
      admitted = byId(members, self().id);
      dropStale();
      for (const link of [...links.values()]) link.judgeAgain();
    },
    async linkTo(member, options) {
      throwIfAborted(options?.signal);
      if (isClosed) throw closedError();
      if (member === self().id) throw new MeshError('bad-argument', 'A member has no link to itself.');
      const waiting = linkOf(member).waitOpen();
      try {
        await abortable(waiting.opened, options?.signal);
      } finally {
        waiting.stop();
      }
    },
    isOpen: (member) => links.get(member)?.session !== undefined,
    send: (to, frame, priority) => openSession(to).outbound.send(frame, priority),
    async room(to, options) {
      await links.get(to)?.session?.outbound.room(options);
    },
    line: (to) => links.get(to)?.session?.outbound,
    fits: (to, bytes) => links.get(to)?.session?.outbound.fits(bytes) === true,
    unsend: (to, id) => links.get(to)?.session?.outbound.unsend(id),
    unheardMs: () => Math.max(clock.monotonicMs() - heardAt.monotonicMs, clock.wallMs() - heardAt.wallMs),
    unheardFromMs: (member) => links.get(member)?.session?.unheardMs() ?? Infinity,
    views: () => [...links.values()].map((link) => link.view),
    goodbye() {
      for (const link of links.values()) link.session?.sendGoodbye();
    },
    close() {
      isClosed = true;
      pulse.stop();
      stopAccepting();
      for (const link of [...links.values()]) link.close(closedError());
      links.clear();
      queue.clear();
      return Promise.resolve();
    },
  };
}

function isWithoutChannel({ state }: Link): boolean {
  return state.kind === 'dialling' || state.kind === 'waiting';
}

interface Known {
  readonly self: SelfView;
  readonly admitted: ReadonlyMap<PeerId, Incarnation>;
  readonly wanted: ReadonlyMap<PeerId, Incarnation>;
}

function judge(member: PeerId, hello: HelloFrame, known: Known): Verdict {
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

function byId(members: readonly WantedMember[], self: PeerId): ReadonlyMap<PeerId, Incarnation> {
  return new Map(members.filter(({ id }) => id !== self).map(({ id, incarnation }) => [id, incarnation]));
}

function closedError(): MeshError {
  return new MeshError('closed', 'The links of this member are closed.');
}
