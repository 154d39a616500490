// Gets and puts of this member, brought to the owner of their key: with the same request id in every try,
// again when the slot moved, when a link broke and when the owner came back, until the caller's time is up.

import {
  type Clock,
  type Configuration,
  createDeadline,
  createElapsedClock,
  type GetFrame,
  type Key,
  limits,
  MeshError,
  NO_PAYLOAD,
  type PeerId,
  type PutFrame,
  type RequestId,
  type Slot,
  sleep,
  slotOfKey,
  toMeshError,
  type Version,
} from '@shoal/shared';
import type { RawGet, RawOptions, RawPut, RawValue } from '../ports/values.ts';
import type { StoreAnswer } from '../store/range-store.ts';
import { busyError, done, rawValue } from './value-answers.ts';

export interface RoutedValuesDeps {
  readonly self: PeerId;
  readonly clock: Clock;
  readonly slotCount: () => number;
  nextRequestId(): RequestId;
  row(slot: Slot): Configuration | undefined;
  /** Takes a row that another member sent, if it is newer. */
  learn(row: Configuration): boolean;
  nameOf(member: PeerId): string;
  /** Why there is no link to a member that is in the mesh; undefined for one that is away. */
  whyUnreachable(member: PeerId): string | undefined;
  /** Why nobody can answer for the slot now, and what to do; undefined unless it is lost. */
  lost(slot: Slot): string | undefined;
  /** Resolves when there is an open link to the member, or a little while has passed. */
  reachOrChange(member: PeerId, signal: AbortSignal): Promise<void>;
  isOpen(member: PeerId): boolean;
  /** Sends and waits for the answer; rejects `link-lost` when the link ends first. */
  request(to: PeerId, frame: GetFrame | PutFrame, signal: AbortSignal): Promise<StoreAnswer>;
  /** This member's own store. */
  local(frame: GetFrame | PutFrame, signal: AbortSignal): Promise<StoreAnswer>;
}

export interface GetResult extends RawGet {
  readonly wait?: boolean;
}

export interface RoutedValues {
  get(key: Key, options?: GetResult): Promise<RawValue | undefined>;
  /** `unchanged`: it has no newer version than that. */
  getNewer(key: Key, newerThan: Version, options?: GetResult): Promise<RawValue | 'unchanged' | undefined>;
  put(
    key: Key,
    bytes: Uint8Array,
    options: RawPut,
  ): Promise<{ readonly version: RawValue['version']; readonly copies: number }>;
  delete(key: Key, options?: RawOptions & Pick<RawPut, 'expected' | 'minCopies'>): Promise<boolean>;
  /** Undefined unless its slot is lost. */
  lossOf(key: Key): MeshError | undefined;
}

/** One request over all its tries. */
interface Attempt {
  readonly id: RequestId;
  readonly key: Key;
  readonly slot: Slot;
  readonly verb: 'get' | 'put' | 'delete';
  /** Any copy may tell it, until one said that it can't. */
  anyCopy: boolean;
  readonly startedMs: number;
  /** The first try that left, in elapsed time, sleep too: an owner compares its age with what it remembers. */
  sentMs: number | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Tries that were sent and not answered: it may have happened. */
  unanswered: number;
  /** What the owner last said, if it was at a bound. */
  busy: MeshError | undefined;
  busyTries: number;
  /** Whom it waits for, for the sentence at the end. */
  waitsFor: PeerId | undefined;
}

type FrameOf = (attempt: Attempt, epoch: number) => GetFrame | PutFrame;

/** Between tries that nothing else paces. */
const RETRY_MS = 50;
/** Each time an owner is busy it is left alone for twice as long, up to here. */
const BUSY_RETRY_MS = 1_000;

export function createRoutedValues(deps: RoutedValuesDeps): RoutedValues {
  const { clock } = deps;
  const elapsed = createElapsedClock(clock);

  async function run(
    verb: Attempt['verb'],
    key: Key,
    frameOf: FrameOf,
    options: RawOptions & { readonly contentNamed?: boolean },
  ): Promise<StoreAnswer> {
    const timeoutMs = options.timeoutMs ?? limits.requestTimeoutMs;
    const deadline = createDeadline(clock, timeoutMs, {
      outer: options.signal,
      reason: () => outOfTime(attempt),
    });
    const attempt: Attempt = {
      id: deps.nextRequestId(),
      key,
      slot: slotOfKey(key, deps.slotCount()),
      verb,
      anyCopy: options.contentNamed === true && verb === 'get',
      startedMs: clock.monotonicMs(),
      sentMs: undefined,
      timeoutMs,
      signal: deadline.signal,
      unanswered: 0,
      busy: undefined,
      busyTries: 0,
      waitsFor: undefined,
    };
    try {
      return await tryUntilAnswered(attempt, frameOf);
    } catch (thrown) {
      const error = toMeshError(thrown);
      // What this request is a part of ran out of time: a slot that is lost is why.
      const isWhy =
        error.code === 'deadline' && options.signal?.aborted === true && deps.lost(attempt.slot) !== undefined;
      throw isWhy ? outOfTime(attempt) : error;
    } finally {
      deadline.end();
    }
  }

  async function tryUntilAnswered(attempt: Attempt, frameOf: FrameOf): Promise<StoreAnswer> {
    for (;;) {
      const row = deps.row(attempt.slot);
      const answer = row === undefined ? undefined : await tryOnce(attempt, row, frameOf);
      attempt.busy = busyError(answer);
      if (answer !== undefined && attempt.busy === undefined) {
        if (answer.result.kind !== 'moved') return answer;
        if (attempt.anyCopy) {
          attempt.anyCopy = false;
          continue;
        }
        // Only of the slot that was asked for: its owner has no say in others.
        if (answer.result.row.slot === attempt.slot && deps.learn(answer.result.row)) continue;
      }
      attempt.busyTries = attempt.busy === undefined ? 0 : attempt.busyTries + 1;
      // Nobody to ask yet, a broken link, an owner at a bound, or a `moved` that this member knew: news will come.
      await sleep(clock, Math.min(BUSY_RETRY_MS, RETRY_MS * 2 ** attempt.busyTries), attempt.signal);
    }
  }

  /** The owner; for what never changes another copy too, where that is nearer: this member, or one that is linked. */
  function targetOf({ anyCopy }: Attempt, { owner, copies }: Configuration): PeerId {
    if (!anyCopy) return owner;
    const members = copies.map(({ member }) => member);
    if (members.includes(deps.self)) return deps.self;
    return deps.isOpen(owner) ? owner : (members.find((member) => deps.isOpen(member)) ?? owner);
  }

  /** The answer of the owner, or of a copy; undefined if it has to be tried again. */
  async function tryOnce(attempt: Attempt, row: Configuration, frameOf: FrameOf): Promise<StoreAnswer | undefined> {
    const target = targetOf(attempt, row);
    try {
      const isOwn = target === deps.self;
      if (!isOwn && !deps.isOpen(target)) {
        attempt.waitsFor = target;
        await deps.reachOrChange(target, attempt.signal);
        if (!deps.isOpen(target)) return undefined;
      }
      attempt.waitsFor = undefined;
      attempt.unanswered += 1;
      const frame = frameOf(attempt, row.epoch);
      // Here too: a write that has its version goes on when its caller's time is up.
      const answer = await (isOwn ? deps.local(frame, attempt.signal) : deps.request(target, frame, attempt.signal));
      // An owner that lost the slot while it wrote says `moved` too: its copies may have the write.
      if (answer.result.kind !== 'moved') attempt.unanswered -= 1;
      return answer;
    } catch (thrown) {
      const error = toMeshError(thrown);
      if (attempt.signal.aborted) throw error;
      if (error.code === 'link-lost') {
        attempt.waitsFor = target;
        return undefined;
      }
      if (error.code === 'busy') {
        attempt.unanswered -= 1;
        return undefined;
      }
      throw error;
    }
  }

  function lossOf(key: Key, perhaps = ''): MeshError | undefined {
    const slot = slotOfKey(key, deps.slotCount());
    const lost = deps.lost(slot);
    if (lost === undefined) return undefined;
    return new MeshError('lost', `The slot of "${key}" (${slot}) has no copy that is here: it ${lost}.${perhaps}`, {
      detail: { key, slot, maybeDone: perhaps !== '' },
    });
  }

  function outOfTime(attempt: Attempt): MeshError {
    const { key, verb, timeoutMs, waitsFor, busy } = attempt;
    if (busy !== undefined) return busy;
    const seconds = timeoutMs < 10_000 ? `${timeoutMs} ms` : `${Math.round(timeoutMs / 1000)} s`;
    const perhaps = verb !== 'get' && attempt.unanswered > 0 ? ` The ${verb} may or may not have happened.` : '';
    const loss = lossOf(key, perhaps);
    if (loss !== undefined) return loss;
    if (waitsFor !== undefined) {
      const why = deps.whyUnreachable(waitsFor);
      return new MeshError(
        'owner-away',
        `${deps.nameOf(waitsFor)}, which owns the key "${key}", could not be reached for ${seconds}${why === undefined ? '' : ` (${why})`}. Try again: if it is gone, another copy takes over.${perhaps}`,
        { detail: { key, member: waitsFor, maybeDone: perhaps !== '' } },
      );
    }
    return new MeshError('deadline', `The ${verb} of "${key}" had no answer within ${seconds}.${perhaps}`, {
      detail: { key, maybeDone: perhaps !== '' },
    });
  }

  function head(attempt: Attempt, epoch: number) {
    attempt.sentMs ??= elapsed.read().longerMs;
    return {
      id: attempt.id,
      ageMs: Math.ceil(elapsed.read().longerMs - attempt.sentMs),
      remainingMs: Math.max(1, Math.ceil(attempt.timeoutMs - (clock.monotonicMs() - attempt.startedMs))),
      forwarded: false,
      slot: attempt.slot,
      epoch,
    };
  }

  function writeFrame(write: Omit<PutFrame['writes'][number], 'key'>, bytes: Uint8Array, minCopies: number): FrameOf {
    return (attempt, epoch) => ({
      kind: 'put',
      ...head(attempt, epoch),
      minCopies,
      writes: [{ key: attempt.key, ...write }],
      payload: bytes,
    });
  }

  function ask(key: Key, options: GetResult, newerThan?: Version): Promise<StoreAnswer> {
    const frameOf: FrameOf = (attempt, epoch) => ({
      kind: 'get',
      ...head(attempt, epoch),
      key,
      wait: options.wait === true,
      ...(newerThan === undefined ? {} : { newerThan }),
    });
    return run('get', key, frameOf, options);
  }

  return {
    lossOf: (key) => lossOf(key),
    get: async (key, options = {}) => {
      const { result, payload } = await ask(key, options);
      return rawValue(key, result, payload);
    },
    getNewer: async (key, newerThan, options = {}) => {
      const { result, payload } = await ask(key, options, newerThan);
      return result.kind === 'unchanged' ? result.kind : rawValue(key, result, payload);
    },
    put: async (key, bytes, options) => {
      const { mediaType, contentNamed = false, ttlMs, expected, minCopies = 1 } = options;
      const write = {
        op: 'put' as const,
        mediaType,
        contentNamed,
        sizeBytes: bytes.byteLength,
        ...(ttlMs === undefined ? {} : { ttlMs }),
        ...(expected === undefined ? {} : { expected }),
      };
      const { result } = await run('put', key, writeFrame(write, bytes, minCopies), options);
      return done(key, result);
    },
    delete: async (key, options = {}) => {
      const { expected, minCopies = 1 } = options;
      const write = {
        op: 'delete' as const,
        mediaType: '',
        contentNamed: false,
        sizeBytes: 0,
        ...(expected === undefined ? {} : { expected }),
      };
      const { result } = await run('delete', key, writeFrame(write, NO_PAYLOAD, minCopies), options);
      if (result.kind === 'absent') return false;
      done(key, result);
      return true;
    },
  };
}
