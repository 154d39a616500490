// All links of this member: whom to dial and whom to let in, the heartbeat of all of them, and who is silent.

import { createEmitter, limits, MeshError, shortId, throwIfAborted, toMeshError } from '@shoal/shared';
import type { Clock, Incarnation, Logger, PeerId, Random } from '@shoal/shared';
import type { SignalPath, Transport } from '../ports/transport.ts';
import { judge } from './judge.ts';
import type { Link } from './link.ts';
import type { LinkLeases, MeshLinkEvents, MeshLinks, SelfView, WantedMember } from './mesh-links.ts';
import { startPulse } from './pulse.ts';
import type { Session } from './session.ts';
import { createWays } from './ways.ts';

export type { MeshLinkEvents, MeshLinks, SelfView, WantedMember } from './mesh-links.ts';

export interface MeshLinksDeps {
  readonly self: () => SelfView;
  /** Opened and closed by whoever made it. */
  readonly transport: Transport;
  /** For links over other members: those of the dials that `pathOfDial` knows. */
  readonly signals: SignalPath;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly leases?: LinkLeases;
}

export function createMeshLinks(deps: MeshLinksDeps): MeshLinks {
  const { clock, logger, self } = deps;
  let wanted: ReadonlyMap<PeerId, Incarnation> = new Map();
  let admitted: ReadonlyMap<PeerId, Incarnation> = new Map();
  let heardAt = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  let isClosed = false;
  const events = createEmitter<MeshLinkEvents>((error, name) => {
    logger.error('listener-threw', { event: name, error: toMeshError(error) });
  });

  const ways = createWays({
    ...deps,
    wanted: () => wanted,
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
    changed: (member) => events.emit('linkChanged', { member }),
  });

  /** An older life of a member that now has another. */
  function dropStale(): void {
    for (const link of ways.all()) {
      const has = link.session?.hello?.incarnation;
      const now = admitted.get(link.member) ?? wanted.get(link.member);
      if (has !== undefined && now !== undefined && has !== now) link.drop('another incarnation is admitted');
    }
  }

  function openSession(member: PeerId): Session {
    const session = ways.session(member);
    if (session !== undefined) return session;
    throw new MeshError('link-lost', `There is no link to member ${shortId(member)}.`, { detail: { member } });
  }

  const pulse = startPulse(clock, {
    beat() {
      for (const link of ways.all()) link.session?.beat();
    },
    passed(elapsedMs) {
      for (const link of ways.all()) {
        if ((link.session?.addSilence(elapsedMs) ?? 0) >= limits.graceMs) link.foundSilent();
      }
      ways.seek(elapsedMs);
    },
    stoodStill(elapsedMs) {
      logger.warn('stood-still', { elapsedMs });
      for (const link of ways.all()) link.session?.forgive();
    },
  });

  return {
    on: events.on,
    want(members) {
      if (isClosed) return;
      const before = wanted;
      wanted = byId(members, self().id);
      for (const link of ways.all()) {
        if (wanted.has(link.member)) continue;
        link.setWanted(false);
        if (link.isDialledByUs && !link.isAsked) link.drop('not wanted any more');
      }
      for (const [member, incarnation] of wanted) {
        ways.direct(member).setWanted(true);
        if ((before.get(member) ?? incarnation) === incarnation) continue;
        // A dial of its former life meets nobody, and would take its whole time.
        for (const link of ways.of(member)) if (isWithoutChannel(link)) link.drop('another incarnation is wanted');
      }
      dropStale();
      for (const link of ways.all()) link.judgeAgain();
    },
    admit(members) {
      if (isClosed) return;
      admitted = byId(members, self().id);
      dropStale();
      for (const link of ways.all()) link.judgeAgain();
    },
    async linkTo(member, options) {
      throwIfAborted(options?.signal);
      if (isClosed) throw closedError();
      if (member === self().id) throw new MeshError('bad-argument', 'A member has no link to itself.');
      if (ways.session(member) === undefined) await ways.linkTo(member, options?.signal);
    },
    isOpen: (member) => ways.session(member) !== undefined,
    whyClosed: ways.whyClosed,
    send: (to, frame, priority) => openSession(to).outbound.send(frame, priority),
    async room(to, options) {
      await ways.session(to)?.outbound.room(options);
    },
    line: (to) => ways.session(to)?.outbound,
    fits: (to, bytes) => ways.session(to)?.outbound.fits(bytes) === true,
    unsend: (to, id) => ways.session(to)?.outbound.unsend(id),
    unheardMs: () => Math.max(clock.monotonicMs() - heardAt.monotonicMs, clock.wallMs() - heardAt.wallMs),
    unheardFromMs: (member) => ways.session(member)?.unheardMs() ?? Infinity,
    views: ways.views,
    goodbye() {
      for (const link of ways.all()) link.session?.sendGoodbye();
    },
    close() {
      isClosed = true;
      pulse.stop();
      return ways.close(closedError());
    },
  };
}

function isWithoutChannel({ state }: Link): boolean {
  return state.kind === 'dialling' || state.kind === 'waiting';
}

function byId(members: readonly WantedMember[], self: PeerId): ReadonlyMap<PeerId, Incarnation> {
  return new Map(members.filter(({ id }) => id !== self).map(({ id, incarnation }) => [id, incarnation]));
}

function closedError(): MeshError {
  return new MeshError('closed', 'The links of this member are closed.');
}
