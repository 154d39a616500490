// Drives the link to one member by `link-state`: dials, greets and closes channels as the machine says, and
// brings it what happens to them.

import { createDeferred, MeshError, shortId, toMeshError, unreachable } from '@shoal/shared';
import type { Clock, Deferred, Frame, HelloFrame, Logger, PeerId, Random } from '@shoal/shared';
import type { LinkView } from '../api.ts';
import type { Channel, Transport } from '../ports/transport.ts';
import { IDLE_LINK, stepLink } from './link-state.ts';
import type { ChannelRef, LinkEffect, LinkEvent, LinkMoment, LinkState } from './link-state.ts';
import { viewLink } from './link-view.ts';
import type { LinkLeases, SelfView } from './mesh-links.ts';
import { createSession, type Session, type Verdict } from './session.ts';

/** What a link needs of the mesh that it is part of. */
export interface LinkHost {
  readonly self: () => SelfView;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly leases?: LinkLeases | undefined;
  redialMaxMs(member: PeerId): number;
  judge(member: PeerId, hello: HelloFrame): Verdict;
  opened(link: Link, hello: HelloFrame): void;
  lost(link: Link, hello: HelloFrame, reason: string): void;
  frameReceived(link: Link, hello: HelloFrame, frame: Frame): void;
  goodbyeReceived(link: Link, hello: HelloFrame): void;
  heard(link: Link): void;
  /** State or round trip: turns to dial may be free. */
  changed(link: Link): void;
}

export interface Link {
  readonly member: PeerId;
  readonly state: LinkState;
  /** The session that frames go over. */
  readonly session: Session | undefined;
  readonly view: LinkView;
  /** Whether anybody needs it kept: it is wanted, waited for, or has a channel. */
  readonly isIdle: boolean;
  /** Dial it while it is missing. */
  setWanted(wanted: boolean): void;
  /** The next dial is not to wait as long as it would. */
  hurry(): void;
  /** Why there is none, as far as is known. */
  readonly lastFailure: string;
  /** Whether `waitOpen` asked for it: then it stays open when it is not wanted. */
  readonly isAsked: boolean;
  readonly isDialledByUs: boolean;
  /** A promise of the open link; `stop` takes the wish back. */
  waitOpen(): { readonly opened: Promise<void>; readonly stop: () => void };
  accept(channel: Channel): void;
  takeTurn(): void;
  drop(reason: string): void;
  foundSilent(): void;
  judgeAgain(): void;
  /** Gives up waiters with this error. */
  close(error: MeshError): void;
}

interface Waiter {
  readonly deferred: Deferred<void>;
  /** A greeting that was cut off may be the other side's answer to two dials at once: one is spared. */
  isSpared: boolean;
}

interface Talk {
  readonly session: Session;
  readonly channel: Channel;
  reason: string;
}

export function createLink(member: PeerId, host: LinkHost): Link {
  const { clock, logger, random, transport } = host;
  let state: LinkState = IDLE_LINK;
  let stopTimer = (): void => undefined;
  let isWanted = false;
  let isAsked = false;
  let isStepping = false;
  let numbers = 0;
  let dialling: AbortController | undefined;
  let lastFailure = 'no dial succeeded';
  const events: LinkEvent[] = [];
  const waiters = new Set<Waiter>();
  const talks = new Map<number, Talk>();

  const isLower = (): boolean => host.self().id < member;
  const wish = (): boolean => (isWanted && isLower()) || waiters.size > 0;

  /** Events that effects cause wait until these effects are done. */
  function step(event: LinkEvent): void {
    events.push(event);
    if (isStepping) return;
    isStepping = true;
    try {
      for (let next = events.shift(); next !== undefined; next = events.shift()) stepOnce(next);
    } finally {
      isStepping = false;
    }
  }

  function stepOnce(event: LinkEvent): void {
    const before = state;
    const moment: LinkMoment = {
      nowMs: clock.monotonicMs(),
      chance: random.next(),
      wish: wish(),
      lower: isLower(),
      redialMaxMs: host.redialMaxMs(member),
    };
    const result = stepLink(state, event, moment);
    state = result.state;
    // A timer of the platform may fire a moment early: then it is set again.
    if (state !== before || event.kind === 'timePassed') setTimer(moment.nowMs);
    for (const effect of result.effects) carryOut(effect, event);
    if (state !== before) host.changed(link);
  }

  function setTimer(nowMs: number): void {
    stopTimer();
    if ('untilMs' in state) stopTimer = clock.setTimer(() => step({ kind: 'timePassed' }), state.untilMs - nowMs);
  }

  function carryOut(effect: LinkEffect, cause: LinkEvent): void {
    switch (effect.kind) {
      case 'dial':
        return dial(effect.dial);
      case 'abortDial':
        lastFailure = 'it did not answer in time';
        return dialling?.abort(new MeshError('link-lost', `The dial of member ${shortId(member)} was given up.`));
      case 'greet':
        return talks.get(effect.channel.number)?.session.start();
      case 'closeChannel':
        return talks.get(effect.channel.number)?.session.close(effect.reason);
      case 'opened':
        return opened(effect.channel);
      case 'lost':
        return lost(effect.channel);
      case 'failed':
        return failed(cause);
      default:
        return unreachable(effect);
    }
  }

  function dial(number: number): void {
    const controller = new AbortController();
    dialling = controller;
    transport.dial(member, { signal: controller.signal }).then(
      (channel) => step({ kind: 'dialled', dial: number, channel: addTalk(channel, 'self') }),
      (error: unknown) => {
        const failure = toMeshError(error);
        if (!controller.signal.aborted) lastFailure = failure.message;
        logger.debug('dial-failed', { member, why: failure.message });
        step({ kind: 'dialFailed', dial: number });
      },
    );
  }

  function addTalk(channel: Channel, dialledBy: ChannelRef['dialledBy']): ChannelRef {
    numbers += 1;
    const ref: ChannelRef = { number: numbers, dialledBy };
    const talk: Talk = {
      channel,
      reason: 'closed',
      session: createSession({
        channel,
        clock,
        logger,
        self: host.self,
        leases: host.leases,
        judge: (hello) => host.judge(member, hello),
        onGreeted: () => step({ kind: 'greeted', channel: ref }),
        onFrame: (frame) => passOn((hello) => host.frameReceived(link, hello, frame)),
        onGoodbye: () => passOn((hello) => host.goodbyeReceived(link, hello)),
        onHeard: () => host.heard(link),
        onRoundTrip: () => host.changed(link),
        onClosed: (reason) => {
          talk.reason = reason;
          step({ kind: 'channelClosed', channel: ref });
          // The machine may still name it while it works off its events.
          queueMicrotask(() => talks.delete(ref.number));
        },
      }),
    };
    const passOn = (tell: (hello: HelloFrame) => void): void => {
      if (talk.session.hello !== undefined) tell(talk.session.hello);
    };
    talks.set(ref.number, talk);
    return ref;
  }

  function opened(channel: ChannelRef): void {
    for (const waiter of waiters) waiter.deferred.resolve();
    waiters.clear();
    const hello = helloOf(channel);
    logger.info('link-opened', { member, dialledBy: channel.dialledBy });
    if (hello !== undefined) host.opened(link, hello);
  }

  function lost(channel: ChannelRef): void {
    const reason = talks.get(channel.number)?.reason ?? 'closed';
    const hello = hellos.get(channel.number);
    hellos.delete(channel.number);
    logger.info('link-closed', { member, reason });
    if (hello !== undefined) host.lost(link, hello, reason);
  }

  /** Kept apart: a session forgets its hello when it ends. */
  const hellos = new Map<number, HelloFrame>();

  function helloOf(channel: ChannelRef): HelloFrame | undefined {
    const hello = talks.get(channel.number)?.session.hello;
    if (hello !== undefined) hellos.set(channel.number, hello);
    return hello;
  }

  function failed(cause: LinkEvent): void {
    if (cause.kind === 'channelClosed') lastFailure = talks.get(cause.channel.number)?.reason ?? lastFailure;
    for (const waiter of [...waiters]) {
      if (cause.kind === 'channelClosed' && !waiter.isSpared) {
        waiter.isSpared = true;
        continue;
      }
      waiters.delete(waiter);
      waiter.deferred.reject(
        new MeshError('link-lost', `Member ${shortId(member)} can't be reached: ${lastFailure}`, {
          detail: { member },
        }),
      );
    }
    if (!wish()) step({ kind: 'wishChanged' });
  }

  const link: Link = {
    member,
    get state() {
      return state;
    },
    get session() {
      return state.kind === 'open' || state.kind === 'replacing' ? talks.get(state.channel.number)?.session : undefined;
    },
    get view() {
      return viewLink(member, state, link.session);
    },
    get isIdle() {
      return state.kind === 'idle' && !isWanted && waiters.size === 0;
    },
    get isAsked() {
      return isAsked;
    },
    get isDialledByUs() {
      return 'channel' in state && state.channel.dialledBy === 'self';
    },
    setWanted(wanted) {
      if (wanted === isWanted) return;
      isWanted = wanted;
      step({ kind: 'wishChanged' });
      if (link.isIdle) host.changed(link);
    },
    hurry: () => step({ kind: 'wishChanged' }),
    get lastFailure() {
      return lastFailure;
    },
    waitOpen() {
      isAsked = true;
      const waiter: Waiter = { deferred: createDeferred<void>(), isSpared: false };
      if (link.session !== undefined) return { opened: Promise.resolve(), stop: () => undefined };
      waiters.add(waiter);
      step({ kind: 'wishChanged' });
      return {
        opened: waiter.deferred.promise,
        stop: () => {
          if (waiters.delete(waiter) && !wish()) step({ kind: 'wishChanged' });
        },
      };
    },
    accept: (channel) => step({ kind: 'accepted', channel: addTalk(channel, 'remote') }),
    takeTurn() {
      numbers += 1;
      step({ kind: 'turn', dial: numbers });
    },
    drop: (reason) => step({ kind: 'dropped', reason }),
    foundSilent: () => step({ kind: 'silent' }),
    judgeAgain() {
      for (const { session } of talks.values()) session.judgeAgain();
    },
    close(error) {
      isWanted = false;
      for (const { deferred } of waiters) deferred.reject(error);
      waiters.clear();
      step({ kind: 'dropped', reason: 'closed' });
      for (const { session } of [...talks.values()]) session.close('closed');
      stopTimer();
    },
  };
  return link;
}
