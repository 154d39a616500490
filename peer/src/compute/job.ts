// A submitter's job: check the function, put it into the mesh, send each chunk's task to the member that holds
// the chunk, gather what comes back. The job ends with its submitter.

import {
  abortError,
  createDeadline,
  limits,
  MeshError,
  type PeerId,
  randomHex,
  sleep,
  throwIfAborted,
  toMeshError,
} from '@shoal/shared';
import type { CallOptions, JobResult, RunOptions, UdfSource } from '../api.ts';
import { readDatasetRecord } from '../data/dataset-record.ts';
import { decodeCloneable } from './cloneable-reader.ts';
import { askMember, type AskedJob, awayError, type JobTask } from './ask-member.ts';
import { assignTasks, type Share } from './assignment.ts';
import { formByLoading } from './dry-run.ts';
import { createGathering, type Gathering } from './gathering.ts';
import { createJoining, type Joining } from './joining.ts';
import { createResultTable, deleteResults, type ResultChunk } from './result-table.ts';
import type { TaskDone } from './task-messages.ts';
import { checkUdf } from './udf-check.ts';
import { errorOfFailure, inSource } from './udf-failure.ts';
import { meshUdf } from './udf-shelf.ts';
import { createUdf, type Udf, UDF_MEDIA_TYPE, udfKey } from './udf.ts';
import type { ComputeParts } from './compute.ts';

/** Rounds without a single task done, before the job gives up. */
const FRUITLESS_ROUNDS = 5;
const ROUND_PAUSE_MS = 300;
/** A take-over needs five seconds, and a member that is started again not many more. */
const AWAY_MOST_MS = limits.requestTimeoutMs;

interface Job {
  readonly parts: ComputeParts;
  readonly asked: AskedJob;
  readonly tasks: readonly JobTask[];
  readonly gathering: Gathering;
  readonly joining: Joining | undefined;
  readonly results: Map<number, ResultChunk>;
  readonly stop: AbortController;
}

export async function runJob(parts: ComputeParts, from: UdfSource | string, options: RunOptions): Promise<JobResult> {
  const since = parts.clock.monotonicMs();
  const stop = new AbortController();
  const end = bindSignal(parts, stop, options);
  const results = new Map<number, ResultChunk>();
  try {
    const job = await prepare(parts, from, { options, stop, results });
    job.joining?.result.catch((error: unknown) => stop.abort(toMeshError(error)));
    await runTasks(job).catch((error: unknown) => {
      throw whyOf(job, toMeshError(error));
    });
    const output = await outputOf(job);
    return { jobId: job.asked.job, output, tookMs: parts.clock.monotonicMs() - since, ...job.gathering.summary() };
  } catch (error) {
    // What one task did wrong stops all of them; the error of the others is only that.
    const ended = toMeshError(error);
    const reason = stop.signal.aborted && ended.code !== 'lost' ? abortError(stop.signal) : ended;
    stop.abort(reason);
    void deleteResults(
      parts.values,
      [...results.values()].flatMap(({ key }) => (key === undefined ? [] : [key])),
    );
    throw reason;
  } finally {
    end();
  }
}

/** Puts the function into the mesh; members fetch it by its id. */
export async function putUdf(parts: ComputeParts, udf: Udf, options: CallOptions): Promise<void> {
  await parts.values.put(udfKey(udf.id), udf.bytes, { ...options, mediaType: UDF_MEDIA_TYPE, contentNamed: true });
}

interface Preparing {
  readonly options: RunOptions;
  readonly stop: AbortController;
  readonly results: Map<number, ResultChunk>;
}

async function prepare(
  parts: ComputeParts,
  from: UdfSource | string,
  { options, stop, results }: Preparing,
): Promise<Job> {
  const { signal } = stop;
  const udf = createUdf(from);
  const checked = await checkUdf(udf);
  const [{ chunks }] = await Promise.all([
    readDatasetRecord(parts.values, options.dataset, { signal }),
    putUdf(parts, udf, { signal }),
  ]);
  const job = randomHex(parts.random, 8);
  const compiled = { code: checked.code, source: udf.source };
  const loadable = meshUdf(compiled, udf.id, udf.fileName).loadable(job);
  const form = checked.form === 'unknown' ? await formByLoading(parts.localPool, loadable, { signal }) : checked.form;
  const tasks = chunks.map(({ key, firstRow }, task): JobTask => ({ task, key, firstRow }));
  const nameOf = (member: PeerId): string =>
    parts.values.members().find(({ id }) => id === member)?.name ?? member.slice(0, 8);
  const gathering = createGathering({
    fileName: udf.fileName,
    tasks: tasks.length,
    nameOf,
    onProgress: options.onProgress,
    onLog: options.onLog,
  });
  const here = { member: parts.values.self, memberName: parts.self.name() };
  const joining =
    form !== 'aggregate'
      ? undefined
      : createJoining({
          pool: parts.localPool,
          udf: loadable,
          context: { member: { id: here.member, name: here.memberName }, seed: udf.id },
          params: options.params ?? null,
          tasks: tasks.length,
          signal,
          errorOf: (failure) => errorOfFailure(inSource(compiled, failure), { fileName: udf.fileName, ...here }),
          onPrinted: (printed, droppedLines) => gathering.takePrinted(here, { printed, droppedLines }),
        });
  const asked: AskedJob = {
    job,
    udf: udf.id,
    fileName: udf.fileName,
    params: options.params ?? null,
    skipErrors: options.skipErrors ?? false,
    taskTimeoutMs: options.taskTimeoutMs ?? limits.taskTimeoutMs,
  };
  return { parts, asked, tasks, gathering, joining, results, stop };
}

/** Rounds of asking, until no task is left: owners change, members come and go. */
async function runTasks(job: Job): Promise<void> {
  const { parts, stop } = job;
  const { values, clock } = parts;
  const refusing = new Set<PeerId>();
  let fruitless = 0;
  let heardMs = clock.monotonicMs();
  let last: MeshError | undefined;
  for (;;) {
    const open = openTasks(job);
    if (open.length === 0) return;
    const roster = values.members();
    const { shares, left } = assignTasks({
      tasks: open,
      roster,
      self: values.self,
      refusing,
      ownerOf: values.ownerOf,
    });
    // What a member has that is away may soon be another copy's: looked at again, not asked.
    const isAway = ({ member }: Share<JobTask>): boolean =>
      roster.some(({ id, state }) => id === member && state === 'away');
    const away = shares.find(isAway);
    if (shares.length === 0) last = nobodyTakes(left.length);
    last =
      (await askShares(
        job,
        shares.filter((share) => !isAway(share)),
        refusing,
      )) ?? last;
    const stillOpen = openTasks(job).length;
    const isFruitless = stillOpen === open.length;
    if (away === undefined || !isFruitless) heardMs = clock.monotonicMs();
    else if (clock.monotonicMs() - heardMs >= AWAY_MOST_MS) throw awayError(parts, away.member);
    fruitless = away === undefined && isFruitless ? fruitless + 1 : 0;
    if (fruitless >= FRUITLESS_ROUNDS || (fruitless > 0 && last?.code === 'owner-away'))
      throw last ?? nobodyTakes(stillOpen);
    if (stillOpen > 0) await sleep(clock, ROUND_PAUSE_MS, stop.signal);
  }
}

/** Resolves with why the last of them left some undone, if one did; rejects when asking again is of no use. */
async function askShares(
  job: Job,
  shares: readonly Share<JobTask>[],
  refusing: Set<PeerId>,
): Promise<MeshError | undefined> {
  const { signal } = job.stop;
  for (const { member, tasks } of shares) for (const { task } of tasks) job.gathering.assign(task, member);
  const errors = await Promise.all(
    shares.map((share) =>
      askMember(job.parts, { ...job.asked, share, signal, take: (note) => takeNote(job, share.member, note) }),
    ),
  );
  throwIfAborted(signal);
  let last: MeshError | undefined;
  for (const [index, error] of errors.entries()) {
    const member = shares[index]?.member;
    if (error === undefined || member === undefined) continue;
    last = error;
    if (error.code === 'no-workers') refusing.add(member);
    else if (!error.retryable) throw error;
  }
  return last;
}

function openTasks({ tasks, gathering }: Job): readonly JobTask[] {
  return tasks.filter(({ task }) => !gathering.isDone(task));
}

/** That a chunk is lost says more than that time is up or its owner away. */
function whyOf(job: Job, error: MeshError): MeshError {
  if (error.code !== 'deadline' && error.code !== 'owner-away') return error;
  for (const { key } of openTasks(job)) {
    const loss = job.parts.values.lossOf(key);
    if (loss !== undefined) return loss;
  }
  return error;
}

function takeNote(job: Job, member: PeerId, note: Parameters<Parameters<typeof askMember>[1]['take']>[0]): void {
  if (note.kind === 'failed') {
    job.stop.abort(job.gathering.takeFailed(member, note));
    return;
  }
  keep(job, note);
  job.gathering.takeDone(member, note);
}

/** Before it counts as done: whoever waits for the last task finds everything in place. */
function keep(job: Job, note: TaskDone): void {
  if (job.gathering.isDone(note.task)) return;
  const { result } = note;
  if (result.kind === 'state') job.joining?.take(note.task, result.bytes);
  else job.results.set(note.task, { key: result.key, rowCount: note.rowsOut, columns: result.columns });
}

async function outputOf(job: Job): Promise<JobResult['output']> {
  if (job.joining !== undefined) return { kind: 'value', value: decodeCloneable(await job.joining.result) };
  const chunks = job.tasks.flatMap(({ task }) => job.results.get(task) ?? []);
  return { kind: 'table', table: createResultTable(job.parts, chunks) };
}

function nobodyTakes(tasks: number): MeshError {
  return new MeshError(
    'no-workers',
    `No member takes ${tasks === 1 ? 'the task' : `the ${tasks} tasks`}: all are paused or give no workers.`,
  );
}

/** The caller's signal and time, as one. */
function bindSignal(parts: ComputeParts, stop: AbortController, options: CallOptions): () => void {
  const { timeoutMs, signal } = options;
  const onAbort = (): void => stop.abort(outer.reason);
  const deadline =
    timeoutMs === undefined
      ? undefined
      : createDeadline(parts.clock, timeoutMs, {
          outer: signal,
          reason: () => new MeshError('deadline', `The job was not done within ${timeoutMs} ms; it was stopped.`),
        });
  const outer = deadline?.signal ?? signal ?? new AbortController().signal;
  if (outer.aborted) onAbort();
  else outer.addEventListener('abort', onAbort, { once: true });
  return () => {
    outer.removeEventListener('abort', onAbort);
    deadline?.end();
  };
}
