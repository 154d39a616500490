// One channel to one member, from its hello to its end: frames of the link are answered here, the others
// passed on. It decides nothing about other channels; `link` does.

import { limits, SPOKEN_VERSIONS } from '@shoal/shared';
import type { AliveFrame, Clock, Frame, HeartbeatFrame, HelloFrame, LinkFrame, Logger, PeerId } from '@shoal/shared';
import type { Channel } from '../ports/transport.ts';
import { createInbound } from '../wire/inbound.ts';
import { createOutbound, type Outbound } from '../wire/outbound.ts';
import type { LinkLeases, SelfView } from './mesh-links.ts';

/** A hello may come before the news that its member was admitted: both travel, over different ways. */
const ADMIT_WAIT_MS = 2_000;
/** More damage than that is no accident. */
const MAX_DAMAGED = 16;
/** What a remote may send before its hello is judged: all its credit. */
const MAX_HELD_BYTES = 2 * limits.creditBytes;
/** Heartbeats whose answers are still awaited. */
const MAX_BEATS = 16;

/** What is thought of a hello. `unknown`: perhaps not yet. */
export type Verdict =
  | { readonly kind: 'welcome' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly reason: string };

export interface SessionDeps {
  readonly channel: Channel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly self: () => SelfView;
  readonly judge: (hello: HelloFrame) => Verdict;
  readonly onGreeted: (hello: HelloFrame) => void;
  readonly onFrame: (frame: Frame) => void;
  readonly onGoodbye: () => void;
  readonly onHeard: () => void;
  readonly onRoundTrip: () => void;
  readonly onClosed: (reason: string) => void;
  /** Leases ride on heartbeats; without them every answer says no. */
  readonly leases?: LinkLeases | undefined;
}

export interface Session {
  readonly outbound: Outbound;
  readonly via: PeerId | undefined;
  /** The remote's, once it was checked. */
  readonly hello: HelloFrame | undefined;
  readonly roundTripMs: number | undefined;
  readonly receivedBytes: number;
  /** Sends our hello. */
  start(): void;
  /** Who is admitted has changed. */
  judgeAgain(): void;
  beat(): void;
  /** Adds time that has passed, unless something was heard meanwhile; gives the silence so far. */
  addSilence(elapsedMs: number): number;
  forgive(): void;
  /** Since anything was heard, by the clock that says more. */
  unheardMs(): number;
  sendGoodbye(): void;
  close(reason: string): void;
}

export function createSession(deps: SessionDeps): Session {
  const { channel, clock, logger, self } = deps;
  let phase: 'greeting' | 'judging' | 'greeted' | 'closed' = 'greeting';
  let hello: HelloFrame | undefined;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let stopWaiting = (): void => undefined;
  let heardAt = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  let silentMs = 0;
  let hasHeard = true;
  let beatNumber = 0;
  const beats = new Map<number, { readonly sentAtMs: number; readonly askedMs: number }>();
  let roundTripMs: number | undefined;
  let leastRoundTripMs: number | undefined;

  // Whoever forwards keeps what is on its way, and for others too.
  const windowBytes = channel.via === undefined ? undefined : limits.pathWindowBytes;
  const outbound = createOutbound({ channel, clock, logger, roundTripMs: () => leastRoundTripMs, windowBytes });
  const inbound = createInbound({
    onFrame: take,
    onDamage: (error) => {
      logger.warn('frame-damaged', { member: channel.remote, code: error.code, why: error.message });
      if (inbound.damaged > MAX_DAMAGED) close('too many damaged frames');
    },
    onTaken: (bytes) => outbound.sendLink({ kind: 'credit', bytes }),
  });

  function receive(message: Uint8Array): void {
    heardAt = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    hasHeard = true;
    deps.onHeard();
    if (phase === 'closed') return;
    if (phase !== 'judging') return inbound.push(message);
    held.push(message);
    heldBytes += message.byteLength;
    if (heldBytes > MAX_HELD_BYTES) close('too much before the hello was answered');
  }

  function take(frame: Frame): void {
    if (phase === 'closed') return;
    if (phase === 'greeted') return takeGreeted(frame);
    if (frame.kind !== 'hello') return close('no hello first');
    hello = frame;
    phase = 'judging';
    stopWaiting = clock.setTimer(() => close('not a member of this mesh, as far as is known here'), ADMIT_WAIT_MS);
    judge();
  }

  function judge(): void {
    if (phase !== 'judging' || hello === undefined) return;
    const verdict = deps.judge(hello);
    if (verdict.kind === 'unknown') return;
    stopWaiting();
    if (verdict.kind === 'refused') return close(verdict.reason);
    phase = 'greeted';
    outbound.setFragmentBytes(hello.fragmentBytes);
    beat();
    deps.onGreeted(hello);
    const kept = held;
    held = [];
    heldBytes = 0;
    for (const message of kept) if (!isClosed()) inbound.push(message);
  }

  function takeGreeted(frame: Frame): void {
    switch (frame.kind) {
      case 'hello':
        return close('a second hello');
      case 'heartbeat': {
        // Who asks and never reads would have the answers pile up.
        if (channel.bufferedBytes > 2 * limits.channelHighBytes) return undefined;
        const { incarnation, term, tableEpoch, freeBytes } = self();
        return outbound.sendLink({
          kind: 'alive',
          number: frame.number,
          incarnation,
          term,
          tableEpoch,
          freeBytes,
          lease: granted(frame),
        });
      }
      case 'alive':
        return answered(frame);
      case 'credit':
        return outbound.credited(frame.bytes);
      case 'goodbye':
        return deps.onGoodbye();
      default:
        return deps.onFrame(frame);
    }
  }

  function granted({ term, tableEpoch }: HeartbeatFrame): boolean {
    if (hello === undefined) return false;
    return deps.leases?.asked(hello, { term, epoch: tableEpoch }) ?? false;
  }

  function answered({ number, incarnation, term, tableEpoch, lease }: AliveFrame): void {
    const beat = beats.get(number);
    if (beat === undefined) return;
    beats.delete(number);
    measure(beat.sentAtMs);
    if (hello === undefined || hello.incarnation !== incarnation) return;
    deps.leases?.answered(hello, { askedMs: beat.askedMs, lease, table: { term, epoch: tableEpoch } });
  }

  function measure(sentAtMs: number): void {
    roundTripMs = clock.monotonicMs() - sentAtMs;
    leastRoundTripMs = Math.min(leastRoundTripMs ?? roundTripMs, roundTripMs);
    deps.onRoundTrip();
  }

  function beat(): void {
    if (phase !== 'greeted') return;
    beatNumber = (beatNumber + 1) >>> 0;
    beats.set(beatNumber, { sentAtMs: clock.monotonicMs(), askedMs: deps.leases?.reading() ?? 0 });
    const oldest = beats.keys().next();
    if (beats.size > MAX_BEATS && oldest.done !== true) beats.delete(oldest.value);
    const { term, tableEpoch } = self();
    outbound.sendLink({ kind: 'heartbeat', number: beatNumber, term, tableEpoch });
  }

  function end(reason: string): void {
    if (phase === 'closed') return;
    phase = 'closed';
    stopWaiting();
    stopListening();
    held = [];
    outbound.close();
    deps.onClosed(reason);
  }

  function close(reason: string): void {
    if (phase === 'closed') return;
    end(reason);
    channel.close(reason);
  }

  function isClosed(): boolean {
    return phase === 'closed';
  }

  let stopListening = (): void => undefined;

  return {
    outbound,
    via: channel.via,
    get hello() {
      return phase === 'greeted' ? hello : undefined;
    },
    get roundTripMs() {
      return roundTripMs;
    },
    get receivedBytes() {
      return inbound.receivedBytes;
    },
    start() {
      // Ours goes first: a channel that is closed already takes it in silence.
      outbound.sendLink(helloOf(self()));
      const stopMessages = channel.onMessage(receive);
      const stopClose = channel.onClose(end);
      stopListening = () => {
        stopMessages();
        stopClose();
      };
      if (isClosed()) stopListening();
    },
    judgeAgain: judge,
    beat,
    addSilence(elapsedMs) {
      silentMs = hasHeard ? 0 : silentMs + elapsedMs;
      hasHeard = false;
      return silentMs;
    },
    forgive() {
      silentMs = 0;
    },
    unheardMs: () => Math.max(clock.monotonicMs() - heardAt.monotonicMs, clock.wallMs() - heardAt.wallMs),
    sendGoodbye() {
      if (phase === 'greeted') outbound.sendLink({ kind: 'goodbye' });
    },
    close,
  };
}

function helloOf(self: SelfView): LinkFrame {
  const { mesh, meshId, id, incarnation, term, tableEpoch, durability } = self;
  return {
    kind: 'hello',
    versions: SPOKEN_VERSIONS,
    mesh,
    meshId,
    member: id,
    incarnation,
    term,
    tableEpoch,
    durability,
    fragmentBytes: limits.fragmentBytes,
  };
}
