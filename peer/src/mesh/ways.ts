// The two ways to each member: its direct link, and, while that is missing, a link over a member that both
// are linked to. Of the two one is told to the rest; the direct one wins.

import { abortable, type Clock, createDeferred, HOPS_MOST, limits, MeshError } from '@shoal/shared';
import type { HelloFrame, Incarnation, Logger, PeerId, Random } from '@shoal/shared';
import type { LinkView } from '../api.ts';
import type { SignalPath, Transport } from '../ports/transport.ts';
import { createForwarding, type HopChoice } from './forwarding.ts';
import { createHop } from './hop.ts';
import { createLinkSet, type LinkSet } from './link-set.ts';
import type { Link, LinkHost } from './link.ts';
import type { Session } from './session.ts';

export interface WaysDeps extends Omit<LinkHost, 'changed' | 'redialMaxMs'> {
  readonly transport: Transport;
  readonly signals: SignalPath;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  changed(member: PeerId): void;
  /** Members to hold a link to; none for a command, which dials whom it needs. */
  wanted(): ReadonlyMap<PeerId, Incarnation>;
}

export interface Ways {
  /** Links of both kinds, those of one member too. */
  all(): readonly Link[];
  direct(member: PeerId): Link;
  /** Both links of one member, as far as there are any. */
  of(member: PeerId): readonly Link[];
  /** Over which frames go to that member. */
  session(member: PeerId): Session | undefined;
  /** Directly, or over another member when that fails or takes long. Rejects as the direct dial did when both have failed, or with the signal's error. */
  linkTo(member: PeerId, signal: AbortSignal | undefined): Promise<void>;
  /** Time has passed: members that are wanted and have no direct link for long are linked over others. */
  seek(elapsedMs: number): void;
  /** Why there is no link to that member, as far as is known. */
  whyClosed(member: PeerId): string;
  views(): readonly LinkView[];
  close(error: MeshError): Promise<void>;
}

/** Of a link that was not measured yet: any other is nearer. */
const UNMEASURED_MS = 1_000;

export function createWays(deps: WaysDeps): Ways {
  const { clock, wanted } = deps;
  /** The link of each member that was told as open. */
  const told = new Map<PeerId, Link>();
  /** For how long a wanted member had no direct link. */
  const missingMs = new Map<PeerId, number>();
  let closedBy: MeshError | undefined;
  const isLinked = (member: PeerId): boolean => isHeard(direct.session(member));

  const direct = createLinkSet({
    ...deps,
    redialMaxMs: (member) => (paths.session(member) === undefined ? limits.redialMaxMs : limits.redialForwardedMaxMs),
    opened(link, hello) {
      const path = paths.get(link.member);
      path?.setWanted(false);
      path?.drop('linked directly');
      missingMs.delete(link.member);
      open(link, hello);
    },
    lost(link, hello, reason) {
      forwarding.linkLost(link.member);
      if (reason === 'silent') missingMs.set(link.member, limits.forwardAfterMs);
      lose(link, hello, reason);
    },
    frameReceived(link, hello, frame) {
      if (frame.kind === 'forward') hop.passOn(link.member, frame);
      else if (frame.kind === 'forwarded') forwarding.receive(link.member, frame);
      else deps.frameReceived(link, hello, frame);
    },
  });
  const outboundOf = (member: PeerId) => direct.session(member)?.outbound;
  const hop = createHop({ outboundOf, logger: deps.logger });
  const forwarding = createForwarding({
    ...deps,
    hops,
    outboundOf,
    linkTo: (member, signal) =>
      // One that is wanted is being dialled anyway.
      wanted().has(member) ? Promise.reject(notLinked()) : linkBy(direct, member, signal),
    refusal: (member) => (isLinked(member) ? 'it is linked directly' : undefined),
  });
  const paths = createLinkSet({
    ...deps,
    transport: forwarding,
    redialMaxMs: () => limits.redialMaxMs,
    opened(link, hello) {
      if (isLinked(link.member)) return link.drop('linked directly');
      // The other side has lost the direct link.
      direct.get(link.member)?.foundSilent();
      open(link, hello);
    },
    lost(link, hello, reason) {
      direct.get(link.member)?.hurry();
      lose(link, hello, reason);
    },
    frameReceived(link, hello, frame) {
      // What was passed on once is not passed on again.
      if (frame.kind !== 'forward' && frame.kind !== 'forwarded') deps.frameReceived(link, hello, frame);
    },
  });

  function open(link: Link, hello: HelloFrame): void {
    told.set(link.member, link);
    deps.opened(link, hello);
  }

  function lose(link: Link, hello: HelloFrame, reason: string): void {
    if (told.get(link.member) !== link) return;
    told.delete(link.member);
    deps.lost(link, hello, reason);
  }

  function hops(): readonly HopChoice[] {
    return direct
      .all()
      .filter(({ member }) => isLinked(member) && (wanted().size === 0 || wanted().has(member)))
      .map(({ member, session }) => ({ member, roundTripMs: session?.roundTripMs ?? UNMEASURED_MS }))
      .toSorted((a, b) => a.roundTripMs - b.roundTripMs)
      .slice(0, HOPS_MOST);
  }

  async function linkTo(member: PeerId, signal: AbortSignal | undefined): Promise<void> {
    const over = new AbortController();
    const isLate = createDeferred<void>();
    const stopTimer = clock.setTimer(isLate.resolve, limits.forwardAfterMs);
    const directly = linkBy(direct, member, over.signal);
    directly.catch(() => isLate.resolve());
    const overAnother = abortable(isLate.promise, over.signal).then(() => {
      if (closedBy !== undefined) throw closedBy;
      return linkBy(paths, member, over.signal);
    });
    try {
      await abortable(Promise.any([directly, overAnother]), signal);
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error;
    } finally {
      stopTimer();
      over.abort();
    }
  }

  return {
    all: () => [...direct.all(), ...paths.all()],
    direct: direct.of,
    of: (member) => [direct.get(member), paths.get(member)].flatMap((link) => link ?? []),
    session: (member) => direct.session(member) ?? paths.session(member),
    linkTo,
    seek(elapsedMs) {
      for (const member of missingMs.keys()) if (!wanted().has(member)) missingMs.delete(member);
      for (const member of wanted().keys()) {
        if (direct.session(member) !== undefined) continue;
        const forMs = (missingMs.get(member) ?? 0) + elapsedMs;
        missingMs.set(member, forMs);
        if (forMs >= limits.forwardAfterMs) paths.of(member).setWanted(true);
      }
    },
    whyClosed(member) {
      const path = paths.get(member);
      const overOthers = path === undefined ? '' : `; over another member: ${path.lastFailure}`;
      return `directly: ${direct.get(member)?.lastFailure ?? 'not dialled'}${overOthers}`;
    },
    views() {
      const views = new Map(paths.all().map((link) => [link.member, link.view]));
      for (const { member, session, view } of direct.all())
        if (session !== undefined || views.get(member)?.state !== 'open') views.set(member, view);
      return [...views.values()];
    },
    close(error) {
      closedBy = error;
      paths.close(error);
      const closing = forwarding.close();
      direct.close(error);
      return closing;
    },
  };
}

function isHeard(session: Session | undefined): boolean {
  return session !== undefined && session.unheardMs() < limits.suspicionMs;
}

async function linkBy(links: LinkSet, member: PeerId, signal: AbortSignal | undefined): Promise<void> {
  const waiting = links.of(member).waitOpen();
  try {
    await abortable(waiting.opened, signal);
  } finally {
    waiting.stop();
  }
}

function notLinked(): MeshError {
  return new MeshError('link-lost', 'no member is linked to both');
}
