// The program inside every worker, in a tab's cage and in a thread of Node: answers the calls of
// `RuntimeCalls` over its port. Whatever a user's function does becomes an answer; what can't be answered any
// more, such as a loop without end, the pool on the other side ends together with the worker.

import { expose, transfer } from 'comlink';
import { loadChunkCodec } from '../data/load-chunk-codec.ts';
import type { WorkerPort } from '../ports/worker-host.ts';
import { endpointOf } from './comlink-port.ts';
import { createContextMaker, type UdfContext } from './runtime-context.ts';
import { createModuleLoader, failureOf, type ImportModule, type LoadedUdf } from './runtime-module.ts';
import type { CallResult, LoadableUdf, ManyCall, Outcome, RuntimeCalls, TaskContext } from './runtime-protocol.ts';
import { callOnce, dryRun, joinStates, RowError, runChunk } from './runtime-tasks.ts';

export interface RuntimePlatform {
  readonly importModule: ImportModule;
  monotonicMs(): number;
}

/** Many calls of one function go on in one go for this long, or until they have given this much. */
const SLICE_MS = 10;
const RESULT_BYTES = 1024 * 1024;

/** Serves `port` for as long as the worker lives. Takes over the console. */
export function serveRuntime(port: WorkerPort, platform: RuntimePlatform): void {
  const load = createModuleLoader(platform.importModule);
  const contexts = createContextMaker(port);

  async function attempt<T>(
    call: { readonly udf: LoadableUdf; readonly context: TaskContext },
    work: (udf: LoadedUdf, ctx: UdfContext) => Promise<T>,
  ): Promise<Outcome<T>> {
    const { sourceName } = call.udf;
    // Before the module is loaded: what it prints at its top level is a line of the task too.
    const ctx = contexts.begin(call.context, sourceName);
    try {
      const value = await work(await load(call.udf), ctx);
      return { kind: 'done', value, droppedLines: contexts.dropped() };
    } catch (error) {
      const failure = error instanceof RowError ? error.failure : failureOf(error, sourceName, undefined);
      return { kind: 'failed', failure, droppedLines: contexts.dropped() };
    }
  }

  /** Each with a context of its own, until the slice is over. */
  async function callSeveral(udf: LoadedUdf, { context, calls: asked }: ManyCall): Promise<readonly CallResult[]> {
    const results: CallResult[] = [];
    const endAtMs = platform.monotonicMs() + SLICE_MS;
    let bytesLeft = RESULT_BYTES;
    for (const { seed, args } of asked) {
      if (results.length > 0 && (bytesLeft <= 0 || platform.monotonicMs() > endAtMs)) break;
      try {
        const bytes = await callOnce(udf, contexts.begin({ ...context, seed }, udf.sourceName), args);
        bytesLeft -= bytes.length;
        results.push({ kind: 'done', bytes });
      } catch (error) {
        results.push({ kind: 'failed', failure: failureOf(error, udf.sourceName, undefined) });
      }
    }
    return results;
  }

  const calls: RuntimeCalls = {
    ready: () => true,
    form: (udf) => attempt({ udf, context: { member: { id: '', name: '' }, seed: '' } }, async ({ form }) => form),
    runChunk: async (call) => {
      const outcome = await attempt(call, async (udf, ctx) => runChunk(udf, ctx, call, await loadChunkCodec()));
      return outcome.kind === 'done' ? moved(outcome, outcome.value.result.bytes) : outcome;
    },
    dryRun: (call) => attempt(call, (udf, ctx) => dryRun(udf, ctx, call)),
    call: async (call) => movedBytes(await attempt(call, (udf, ctx) => callOnce(udf, ctx, call.args))),
    callMany: (many) => attempt({ udf: many.udf, context: many.context }, (udf) => callSeveral(udf, many)),
    join: async (call) => movedBytes(await attempt(call, (udf, ctx) => joinStates(udf, ctx, call))),
  };
  expose(calls, endpointOf(port));
  port.start?.();
}

function movedBytes(outcome: Outcome<Uint8Array>): Outcome<Uint8Array> {
  return outcome.kind === 'done' ? moved(outcome, outcome.value) : outcome;
}

/** Transferred, unless it is a part of something larger. */
function moved<T extends object>(answer: T, bytes: Uint8Array | undefined): T {
  const { buffer } = bytes ?? {};
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== bytes?.byteLength) return answer;
  return transfer(answer, [buffer]);
}
