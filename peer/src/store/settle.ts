// Settling, at the new owner (rule 25): every copy takes its epoch, and so refuses the one before, and
// finishes what it accepted; then of each key the highest version goes everywhere, until all digests are
// equal. In rounds: what one copy had newer goes to the others in the next.

import {
  digestsEqual,
  limits,
  type Copy,
  type Incarnation,
  type KeyVersion,
  type PeerId,
  type SettleKeysFrame,
  type SettleRecordsFrame,
  type SlotFrame,
  type TakenFrame,
} from '@shoal/shared';
import { storeNewer, unpackRecords } from './moved-records.ts';
import { isOnTheWay, markOf } from './on-the-way.ts';
import { sendSettleKeys, sendSettleRecords, type Given, type SettleTarget } from './settle-records.ts';
import { otherCopies, type SlotCell, type StoreContext } from './store-context.ts';

export type SettleAnswer = TakenFrame | SettleKeysFrame | SettleRecordsFrame;

export interface Settle {
  start(): void;
  receive(from: PeerId, incarnation: Incarnation, frame: SettleAnswer): void;
  /** Asks those again who have not answered. */
  askAgain(member?: PeerId): void;
  /** It owes an answer and has given none for so long. */
  isStuck(member: PeerId, nowMs: number): boolean;
  stop(): void;
}

interface Answering {
  readonly copy: Copy;
  step: 'asked' | 'pulling' | 'equal' | 'pulled';
  wants: KeyVersion[];
  /** Done there; here too once all are equal. */
  remembered: TakenFrame['remembered'];
  /** Where on its line it ends what was sent to it. */
  mark: number;
  /** Since when it owes, or when it last answered something. */
  heardAtMs: number;
  askedAtMs: number;
}

const ASK_AGAIN_MS = 1_000;

export function createSettle(context: StoreContext, cell: SlotCell): Settle {
  const { clock, self } = context.deps;
  const epoch = cell.row?.epoch ?? 0;
  const copies = new Map<PeerId, Answering>();
  let isStopped = false;
  let chain: Promise<void> = Promise.resolve();
  let isPushing = false;

  const isOver = (): boolean => isStopped || cell.row?.epoch !== epoch;

  const targetOf = (to: PeerId): SettleTarget => ({ context, cell, to, epoch, isOver });

  const send = (to: PeerId, frame: SlotFrame): void => void context.deps.send(to, frame);

  const ask = (each: Answering): void => {
    each.step = 'asked';
    each.wants = [];
    each.askedAtMs = clock.monotonicMs();
    send(each.copy.member, { kind: 'take-epoch', slot: cell.slot, epoch });
    each.mark = markOf(context, each.copy.member);
  };

  /** One thing after the other: digests are compared when what came before is stored. */
  const then = (work: () => Promise<void> | void): void => {
    chain = chain
      .then(() => (isOver() ? undefined : work()))
      .catch((error: unknown) => {
        if (!isOver()) context.fatal(error);
      });
  };

  const taken = async (each: Answering, frame: TakenFrame): Promise<void> => {
    if (each.step !== 'asked') return;
    each.remembered = frame.remembered;
    if (frame.stoppedMs !== undefined) context.stops.continued(cell, frame.stoppedMs);
    if (digestsEqual(frame.digest, cell.digest)) {
      each.step = 'equal';
      return advance();
    }
    each.step = 'pulling';
    await sendSettleKeys(targetOf(each.copy.member), ownKeys());
    each.mark = markOf(context, each.copy.member);
  };

  async function* ownKeys(): AsyncIterable<KeyVersion> {
    for await (const { key, head } of context.records.scan(cell.slot)) yield { key, version: head.version };
  }

  const pull = async (frame: SettleRecordsFrame): Promise<void> => {
    const records = unpackRecords(frame);
    await storeNewer(context, cell, { records, isWanted: () => !isOver() });
    if (isOver()) return;
    for (const { head } of records) context.memory.add(cell.slot, head.requestId, head.version);
  };

  const wanted = (each: Answering, { keys, last }: SettleKeysFrame): Promise<void> | void => {
    if (each.step !== 'pulling') return undefined;
    each.wants.push(...keys);
    if (!last) return undefined;
    each.step = 'pulled';
    return advance();
  };

  const advance = async (): Promise<void> => {
    const all = [...copies.values()];
    if (isPushing || all.some(({ step }) => step === 'asked' || step === 'pulling')) return;
    if (all.every(({ step }) => step === 'equal')) return agreed(all);
    isPushing = true;
    for (const each of all) await push(each);
    isPushing = false;
    if (!isOver()) for (const each of all) ask(each);
  };

  /** What one copy alone had may be dropped with that copy before this: until now its ids were nobody's. */
  const agreed = (all: readonly Answering[]): void => {
    for (const { remembered } of all)
      for (const { id, version } of remembered) context.memory.add(cell.slot, id, version);
    context.dispatch(cell, { kind: 'agreed', epoch });
  };

  const push = async ({ copy, wants }: Answering): Promise<void> => {
    const given: Given[] = [];
    for (const { key } of wants) {
      const head = await context.records.head(cell.slot, key, cell.stay);
      if (head !== undefined) given.push({ key, version: head.version, sizeBytes: head.sizeBytes });
    }
    await sendSettleRecords(targetOf(copy.member), given);
  };

  return {
    start() {
      const now = clock.monotonicMs();
      for (const copy of otherCopies(cell, self))
        copies.set(copy.member, {
          copy,
          step: 'asked',
          wants: [],
          remembered: [],
          mark: 0,
          heardAtMs: now,
          askedAtMs: now,
        });
      for (const each of copies.values()) ask(each);
    },
    receive(from, incarnation, frame) {
      const each = copies.get(from);
      if (isOver() || each === undefined || each.copy.incarnation !== incarnation || frame.epoch !== epoch) return;
      each.heardAtMs = clock.monotonicMs();
      then(() => {
        if (frame.kind === 'taken') return taken(each, frame);
        return frame.kind === 'settle-records' ? pull(frame) : wanted(each, frame);
      });
    },
    askAgain(member) {
      const now = clock.monotonicMs();
      for (const each of copies.values()) {
        if (isPushing || each.step === 'equal' || each.step === 'pulled') continue;
        const isDue =
          now - Math.max(each.askedAtMs, each.heardAtMs) >= (each.step === 'asked' ? ASK_AGAIN_MS : limits.stuckMs);
        if (each.copy.member === member || (member === undefined && isDue)) ask(each);
      }
    },
    isStuck(member, nowMs) {
      const each = copies.get(member);
      if (each === undefined || (each.step !== 'asked' && each.step !== 'pulling')) return false;
      if (isOnTheWay(context, member, each.mark)) each.heardAtMs = nowMs;
      return nowMs - each.heardAtMs > limits.stuckMs;
    },
    stop() {
      isStopped = true;
    },
  };
}
