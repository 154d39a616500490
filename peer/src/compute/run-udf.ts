// The member's side of jobs: takes tasks for chunks that it holds, runs them in its workers at the same time,
// and sends a note for each as it ends. Rows stay on the members, in the slot of the chunk they came from.

import {
  hashedPart,
  type Key,
  MeshError,
  requireKey,
  throwIfAborted,
  toMeshError,
  type Unsubscribe,
} from '@shoal/shared';
import { transfer } from 'comlink';
import type { ServiceCall, ServiceMessage, Services } from '../ports/services.ts';
import type { Values } from '../ports/values.ts';
import { CALL_SERVICE, CALLS_SERVICE, type CallsDone, parseCallAsk, parseCallsAsk } from './call-messages.ts';
import type { PoolAnswer } from './pooled-worker.ts';
import type { CallResult, ChunkDone, LoadableUdf, Printed, RuntimeFailure, TaskContext } from './runtime-protocol.ts';
import {
  type AskedTask,
  BUSY_SERVICE,
  encodeMessage,
  parseTasksAsk,
  type TaskDone,
  type TaskNote,
  type TasksAsk,
  TASKS_SERVICE,
} from './task-messages.ts';
import { errorOfFailure, inSource } from './udf-failure.ts';
import type { MeshUdf, UdfShelf } from './udf-shelf.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface RunUdfDeps {
  readonly self: { readonly id: string; name(): string };
  readonly values: Values;
  readonly services: Services;
  readonly pool: WorkerPool;
  readonly shelf: UdfShelf;
  /** False for commands: they own nothing and are gone in a moment. */
  takesTasks(): boolean;
}

/** How long rows of results are kept if nobody deletes them. */
const RESULT_TTL_MS = 3_600_000;
export const ARROW_MEDIA_TYPE = 'application/vnd.apache.arrow.stream';

export function serveTasks(deps: RunUdfDeps): Unsubscribe {
  const ends = [
    deps.services.serve(TASKS_SERVICE, (call) => runTasks(deps, call)),
    deps.services.serve(CALL_SERVICE, (call) => runCall(deps, call)),
    deps.services.serve(CALLS_SERVICE, (call) => runCalls(deps, call)),
    deps.services.serve(BUSY_SERVICE, async () => ({ body: { ...deps.pool.view() } })),
  ];
  return () => {
    for (const end of ends) end();
  };
}

interface Running {
  readonly deps: RunUdfDeps;
  readonly ask: TasksAsk;
  readonly udf: MeshUdf;
  readonly loadable: LoadableUdf;
  /** Aborts with the ask, and with the first task that fails. */
  readonly stop: AbortController;
  note(note: TaskNote): Promise<void>;
}

async function runTasks(deps: RunUdfDeps, call: ServiceCall): Promise<Partial<ServiceMessage>> {
  const ask = parseTasksAsk(call.payload);
  refuseUnlessTaking(deps);
  const note = (message: TaskNote): Promise<void> => call.note({ payload: encodeMessage(message) });
  await note({ kind: 'accepted' });
  const udf = await deps.shelf.get(ask.udf, ask.fileName, call.signal);
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(call.signal.reason);
  call.signal.addEventListener('abort', onAbort, { once: true });
  try {
    const running: Running = { deps, ask, udf, loadable: udf.loadable(ask.job), stop, note };
    await Promise.all(ask.tasks.map((task) => runTask(running, task)));
  } finally {
    call.signal.removeEventListener('abort', onAbort);
  }
  throwIfAborted(call.signal);
  return {};
}

async function runTask(running: Running, task: AskedTask): Promise<void> {
  const { deps, ask, stop } = running;
  const printed: Printed[] = [];
  const memberName = deps.self.name();
  try {
    if (!ask.anywhere && deps.values.ownerOf(task.key) !== deps.self.id) {
      const error = new MeshError('owner-away', `Chunk ${task.task} has moved to another member.`).toWire();
      return await running.note({ kind: 'refused', task: task.task, error });
    }
    const answer = await runInPool(running, task, printed);
    const { outcome } = answer;
    const { droppedLines } = outcome;
    if (outcome.kind === 'done') {
      const result = await placeResult(running, task, outcome.value);
      return await running.note({
        ...recordOf(answer, outcome.value),
        kind: 'done',
        task: task.task,
        memberName,
        printed,
        droppedLines,
        result,
        failures: outcome.value.failures.map((one) => inSource(running.udf, one)),
      });
    }
    stop.abort();
    const failure = inSource(running.udf, outcome.failure);
    await running.note({
      kind: 'failed',
      task: task.task,
      memberName,
      printed,
      droppedLines,
      error: { code: failure.code, message: failure.message },
      failure,
    });
  } catch (thrown) {
    if (stop.signal.aborted) return;
    const error = toMeshError(thrown);
    if (error.retryable) return await running.note({ kind: 'refused', task: task.task, error: error.toWire() });
    stop.abort();
    await running.note({
      kind: 'failed',
      task: task.task,
      memberName,
      printed,
      droppedLines: 0,
      error: error.toWire(),
    });
  }
}

function runInPool(
  { deps, ask, loadable, stop }: Running,
  task: AskedTask,
  printed: Printed[],
): Promise<PoolAnswer<ChunkDone>> {
  return deps.pool.run<ChunkDone>({
    job: ask.job,
    instance: loadable.instance,
    timeoutMs: ask.taskTimeoutMs,
    signal: stop.signal,
    onPrinted: (line) => printed.push(line),
    work: async (calls, signal) => {
      const chunk = await deps.values.get(task.key, { signal, contentNamed: true });
      if (chunk === undefined)
        throw new MeshError('no-dataset', `Chunk ${task.task} of the dataset is not in the mesh any more.`);
      // The store keeps its own: what is transferred is gone here.
      const bytes = chunk.bytes.slice();
      const { params, skipErrors } = ask;
      const context: TaskContext = {
        member: { id: deps.self.id, name: deps.self.name() },
        seed: `${ask.udf}/${task.key}`,
        chunk: task.task,
      };
      const call = { udf: loadable, context, params, bytes, firstRow: task.firstRow, skipErrors };
      return await calls.runChunk(transfer(call, [bytes.buffer]));
    },
  });
}

async function placeResult(
  { deps, ask, stop }: Running,
  task: AskedTask,
  done: ChunkDone,
): Promise<TaskDone['result']> {
  const { result } = done;
  if (result.kind === 'state') return result;
  if (result.bytes === undefined) return { kind: 'chunk', columns: result.columns };
  const key = resultKey(ask.job, task);
  await deps.values.put(key, result.bytes, { mediaType: ARROW_MEDIA_TYPE, ttlMs: RESULT_TTL_MS, signal: stop.signal });
  return { kind: 'chunk', key, columns: result.columns };
}

/** In the slot of the chunk, so that the rows stay where they were made. */
function resultKey(job: string, task: AskedTask): Key {
  return requireKey(`~result/${job}/${task.task}/{${hashedPart(task.key)}}`);
}

function recordOf(
  answer: PoolAnswer<ChunkDone>,
  done: ChunkDone,
): Pick<TaskDone, 'worker' | 'rowsIn' | 'rowsOut' | 'failedRows' | 'startedAtMs' | 'runMs'> {
  const { worker, startedAtMs, runMs } = answer;
  const { rowsIn, rowsOut, failedRows } = done;
  return { worker, startedAtMs, runMs, rowsIn, rowsOut, failedRows };
}

/** Runs a plain function once. */
async function runCall(deps: RunUdfDeps, call: ServiceCall): Promise<Partial<ServiceMessage>> {
  const ask = parseCallAsk(call.payload);
  refuseUnlessTaking(deps);
  const udf = await deps.shelf.get(ask.udf, ask.fileName, call.signal);
  const loadable = udf.loadable(ask.udf);
  const context: TaskContext = { member: { id: deps.self.id, name: deps.self.name() }, seed: ask.udf };
  const { outcome } = await deps.pool.run<Uint8Array>({
    job: `call/${call.from}`,
    instance: loadable.instance,
    timeoutMs: ask.timeoutMs,
    signal: call.signal,
    work: (calls) => calls.call({ udf: loadable, context, args: ask.args }),
  });
  if (outcome.kind === 'done') return { payload: outcome.value };
  throw errorOf(deps, udf, ask.fileName, outcome.failure);
}

/** Runs a plain function several times in one worker, for as long as its slice of time lasts. */
async function runCalls(deps: RunUdfDeps, call: ServiceCall): Promise<Partial<ServiceMessage>> {
  const { calls: asked, timeoutMs, ...ask } = parseCallsAsk(call.payload);
  refuseUnlessTaking(deps);
  const udf = await deps.shelf.get(ask.udf, ask.fileName, call.signal);
  const loadable = udf.loadable(ask.udf);
  const context: TaskContext = { member: { id: deps.self.id, name: deps.self.name() }, seed: ask.udf };
  const calls = asked.map(({ index, args }) => ({ seed: `${ask.udf}/${index}`, args }));
  const answer = (results: CallsDone['results'], isWorkerLost = false): Partial<ServiceMessage> => ({
    payload: encodeMessage({ results, isWorkerLost }),
  });
  const failed = (error: MeshError): CallsDone['results'][number] => ({ kind: 'failed', error: error.toWire() });
  try {
    const { outcome } = await deps.pool.run<readonly CallResult[]>({
      job: `call/${call.from}`,
      instance: loadable.instance,
      timeoutMs,
      signal: call.signal,
      work: (runtime) => runtime.callMany({ udf: loadable, context, calls }),
    });
    if (outcome.kind === 'failed')
      return answer(asked.map(() => failed(errorOf(deps, udf, ask.fileName, outcome.failure))));
    return answer(
      outcome.value.map((one) => (one.kind === 'done' ? one : failed(errorOf(deps, udf, ask.fileName, one.failure)))),
    );
  } catch (thrown) {
    const error = toMeshError(thrown);
    if (error.code !== 'udf-timeout' && error.code !== 'worker-lost') throw error;
    return asked.length === 1 ? answer([failed(error)]) : answer([], true);
  }
}

function errorOf(deps: RunUdfDeps, udf: MeshUdf, fileName: string, failure: RuntimeFailure): MeshError {
  const place = { fileName, member: deps.self.id, memberName: deps.self.name() };
  return errorOfFailure(inSource(udf, failure), place);
}

function refuseUnlessTaking(deps: RunUdfDeps): void {
  if (!deps.takesTasks()) throw new MeshError('no-workers', 'A command takes no tasks.');
  if (deps.pool.view().workers === 0) throw new MeshError('no-workers', `${deps.self.name()} gives no workers.`);
}
