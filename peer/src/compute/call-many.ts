// One function called with many lists of arguments: the members that take tasks get some calls each, and more
// as they answer. A member runs an ask's calls one after the other in one worker, for a slice of time; what it
// did not come to is handed out again. Calls whose worker had to be ended are asked for one at a time, so that
// one fails and not its neighbours.

import {
  abortable,
  abortError,
  createDeferred,
  limits,
  MeshError,
  type PeerId,
  requireKey,
  type RosterEntry,
  throwIfAborted,
  toMeshError,
  type UdfId,
} from '@shoal/shared';
import type { CallTarget, UdfSource } from '../api.ts';
import { takesTasks } from './assignment.ts';
import { type AskedCall, CALLS_SERVICE, parseCallsDone } from './call-messages.ts';
import { checkedFunction, WAY_MS } from './call.ts';
import { decodeCloneable } from './cloneable-reader.ts';
import { encodeCloneable } from './cloneable-writer.ts';
import type { ComputeParts } from './compute.ts';
import { putUdf } from './job.ts';
import { encodeMessage } from './task-messages.ts';

/** Calls of one ask: at first, since nobody knows how long they take, and at most. */
const CALLS_FIRST = 8;
const CALLS_MOST = 256;
/** Bytes of arguments in one ask; one larger call goes alone. */
const ARGS_BYTES = 256 * 1024;
/** Asks that a member has open for each of its workers: one runs, one waits. */
const ASKS_PER_WORKER = 2;
/** A call that takes its member with it must not go through all of them. */
const MEMBERS_TRIED = 2;

interface Waiting {
  readonly index: number;
  /** By members that were lost with it. */
  tries: number;
  isAlone: boolean;
}

interface Taker {
  readonly member: PeerId;
  readonly asksMost: number;
  asks: number;
}

/** The results in the order of `argLists`, each by itself. Rejects when no call can be made at all, or by the signal. */
export async function callMany(
  parts: ComputeParts,
  from: UdfSource | string,
  argLists: readonly (readonly unknown[])[],
  target: CallTarget = {},
): Promise<readonly PromiseSettledResult<unknown>[]> {
  const udf = await checkedFunction(from);
  const { signal } = target;
  throwIfAborted(signal);
  const takers = takersFor(parts, target);
  await putUdf(parts, udf, signal === undefined ? {} : { signal });
  const calls = { udf: udf.id, fileName: udf.fileName, argLists, timeoutMs: target.timeoutMs ?? limits.taskTimeoutMs };
  return createHandingOut(parts, { ...calls, takers, signal, isBound: isBound(target) }).run();
}

const isBound = ({ key, member }: CallTarget): boolean => key !== undefined || member !== undefined;

function takersFor({ values }: ComputeParts, target: CallTarget): Taker[] {
  const roster = values.members();
  let entries: readonly RosterEntry[];
  if (target.member !== undefined) {
    entries = roster.filter(({ id }) => id === target.member);
    if (entries.length === 0) throw new MeshError('no-member', `There is no member ${target.member} in the mesh.`);
  } else if (target.key !== undefined) {
    const owner = values.ownerOf(requireKey(target.key));
    entries = roster.filter(({ id }) => id === owner);
    if (entries.length === 0) throw new MeshError('owner-away', `Nobody owns the key "${target.key}" now.`);
  } else {
    entries = roster.filter(takesTasks);
    if (entries.length === 0)
      throw new MeshError('no-workers', 'No member takes tasks: all are paused or give no workers.');
  }
  return entries.map(({ id, workers }) => ({ member: id, asksMost: ASKS_PER_WORKER * Math.max(1, workers), asks: 0 }));
}

interface HandingOut {
  readonly udf: UdfId;
  readonly fileName: string;
  readonly argLists: readonly (readonly unknown[])[];
  readonly timeoutMs: number;
  readonly takers: Taker[];
  readonly signal: AbortSignal | undefined;
  /** To one member: nobody else may take the calls. */
  readonly isBound: boolean;
}

function createHandingOut(parts: ComputeParts, given: HandingOut) {
  const { argLists, takers, signal, timeoutMs } = given;
  const results: PromiseSettledResult<unknown>[] = [];
  const waiting: Waiting[] = argLists.map((_, index) => ({ index, tries: 0, isAlone: false }));
  const finished = createDeferred<void>();
  let size = CALLS_FIRST;
  let asks = 0;

  const fail = ({ index }: Waiting, reason: MeshError): void => {
    results[index] = { status: 'rejected', reason };
  };

  /** The next calls for one ask, encoded. Arguments that can't be sent are their call's failure. */
  function take(): { readonly taken: readonly Waiting[]; readonly calls: readonly AskedCall[] } {
    const places = takers.reduce((sum, { asksMost }) => sum + asksMost, 0);
    const most = Math.min(size, Math.ceil(waiting.length / places));
    const taken: Waiting[] = [];
    const calls: AskedCall[] = [];
    let bytes = 0;
    while (calls.length < most && waiting[0] !== undefined) {
      const [next] = waiting;
      if (next.isAlone && calls.length > 0) break;
      try {
        const args = encodeCloneable(argLists[next.index], `args of call ${next.index}`);
        bytes += args.byteLength;
        if (calls.length > 0 && bytes > ARGS_BYTES) break;
        calls.push({ index: next.index, args });
        taken.push(next);
      } catch (error) {
        fail(next, toMeshError(error));
      }
      waiting.shift();
      if (next.isAlone) break;
    }
    return { taken, calls };
  }

  async function ask(taker: Taker, taken: readonly Waiting[], calls: readonly AskedCall[]): Promise<void> {
    const { udf, fileName } = given;
    const { payload } = await parts.services.ask(
      taker.member,
      CALLS_SERVICE,
      { payload: encodeMessage({ udf, fileName, timeoutMs, calls }) },
      // Another ask may run before it.
      { timeoutMs: ASKS_PER_WORKER * timeoutMs + WAY_MS, ...(signal === undefined ? {} : { signal }) },
    );
    const { results: done, isWorkerLost } = parseCallsDone(payload);
    done.forEach((result, at) => {
      const call = taken[at];
      if (call === undefined) return;
      if (result.kind === 'failed') fail(call, MeshError.fromWire(result.error));
      else results[call.index] = { status: 'fulfilled', value: decodeCloneable(result.bytes) };
    });
    const left = taken.slice(done.length);
    if (isWorkerLost) for (const call of left) call.isAlone = true;
    else size = Math.min(CALLS_MOST, Math.max(1, 2 * done.length));
    waiting.push(...left);
  }

  /** A member that is gone or takes none: its calls are for others, if there are any. */
  function giveUp(taker: Taker, taken: readonly Waiting[], error: MeshError): void {
    const isHandedOn = error.retryable && !given.isBound;
    const at = takers.indexOf(taker);
    if (isHandedOn && at >= 0) takers.splice(at, 1);
    for (const call of taken) {
      call.tries += 1;
      if (isHandedOn && takers.length > 0 && call.tries < MEMBERS_TRIED) waiting.push(call);
      else fail(call, error);
    }
    if (takers.length === 0) for (const call of waiting.splice(0)) fail(call, error);
  }

  async function give(taker: Taker): Promise<void> {
    const { taken, calls } = take();
    if (calls.length === 0) return;
    taker.asks += 1;
    asks += 1;
    try {
      await ask(taker, taken, calls);
    } catch (error) {
      giveUp(taker, taken, signal?.aborted === true ? abortError(signal) : toMeshError(error));
    }
    taker.asks -= 1;
    asks -= 1;
    pump();
  }

  function pump(): void {
    if (signal?.aborted === true) return;
    for (let round = 0; round < 2 * limits.workersMax; round += 1) {
      for (const taker of [...takers]) {
        if (taker.asks < taker.asksMost && waiting.length > 0) void give(taker).catch(finished.reject);
      }
    }
    if (asks === 0 && waiting.length === 0) finished.resolve();
  }

  return {
    async run(): Promise<readonly PromiseSettledResult<unknown>[]> {
      pump();
      await abortable(finished.promise, signal);
      return results;
    },
  };
}
