// Running the function on all members: one job at a time, its progress, what it printed, its answer.
// A job ends with this tab.

import type { JobProgress, JobResult, LogLine, UdfFailure } from '@shoal/peer';
import { limits, type MeshError, type StopTimer, toMeshError } from '@shoal/shared';
import { batch, type ReadonlySignal, signal } from '@preact/signals';
import { FIRST_SAMPLE } from '../samples/sample-files.ts';
import type { Draft } from './draft.ts';
import type { Loads } from './loads.ts';
import type { PagePorts } from './ports.ts';
import { createResultRows, type ResultRows } from './result-rows.ts';
import type { Session } from './session.ts';

export type JobState =
  | { readonly kind: 'idle' }
  /** The sample that stands ready is loaded first. */
  | { readonly kind: 'loading' }
  | { readonly kind: 'running'; readonly dataset: string; readonly progress: JobProgress | undefined }
  | {
      readonly kind: 'done';
      readonly dataset: string;
      readonly result: JobResult;
      readonly rows: ResultRows | undefined;
    }
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly code: string;
      readonly failure: Partial<UdfFailure>;
      readonly source: string;
    }
  | { readonly kind: 'cancelled'; readonly tookMs: number };

export interface Jobs {
  readonly state: ReadonlySignal<JobState>;
  readonly elapsedMs: ReadonlySignal<number>;
  readonly logs: ReadonlySignal<readonly LogLine[]>;
  readonly droppedLogs: ReadonlySignal<number>;
  run(): Promise<void>;
  cancel(): void;
}

export type { JobProgress, JobResult, LogLine, TaskRecord, UdfFailure } from '@shoal/peer';

const TICK_MS = 100;

export function createJobs(
  ports: PagePorts,
  session: Session,
  deps: { readonly draft: Draft; readonly loads: Loads },
): Jobs {
  const { draft, loads } = deps;
  const state = signal<JobState>({ kind: 'idle' });
  const elapsedMs = signal(0);
  const logs = signal<readonly LogLine[]>([]);
  const droppedLogs = signal(0);
  let running: AbortController | undefined;
  let unseenLogs: LogLine[] = [];
  let unseenProgress: JobProgress | undefined;

  /** Shows what has come since: a job may print a thousand lines at once. */
  const show = (): void => {
    const room = limits.logLines - logs.peek().length;
    if (unseenLogs.length > 0) {
      if (room > 0) logs.value = [...logs.peek(), ...unseenLogs.slice(0, room)];
      droppedLogs.value += Math.max(unseenLogs.length - room, 0);
      unseenLogs = [];
    }
    const now = state.peek();
    if (now.kind === 'running' && unseenProgress !== undefined) state.value = { ...now, progress: unseenProgress };
    unseenProgress = undefined;
  };

  /** At once: an old answer is not taken for the new one. */
  const begin = (dataset: string): void => {
    const before = state.peek();
    if (before.kind === 'done') before.rows?.close().catch(() => undefined);
    batch(() => {
      state.value = dataset === '' ? { kind: 'loading' } : { kind: 'running', dataset, progress: undefined };
      logs.value = [];
      droppedLogs.value = 0;
      elapsedMs.value = 0;
    });
  };

  const chooseDataset = async (ended: AbortSignal): Promise<string | undefined> => {
    if (draft.dataset.peek() !== '') return draft.dataset.peek();
    ended.addEventListener('abort', () => loads.cancel(), { once: true });
    const info = await loads.load({ kind: 'sample', name: FIRST_SAMPLE });
    return info?.name;
  };

  const run = async (): Promise<void> => {
    const source = draft.source.peek();
    const mesh = session.mesh.peek();
    const params = draft.params.peek();
    if (mesh === undefined || running !== undefined || params.kind === 'wrong') return;
    const controller = new AbortController();
    running = controller;
    begin(draft.dataset.peek());
    let stopTick: StopTimer = () => undefined;
    let startedMs = ports.clock.monotonicMs();
    const tick = (): void => {
      batch(() => {
        show();
        elapsedMs.value = ports.clock.monotonicMs() - startedMs;
      });
      stopTick = ports.clock.setTimer(tick, TICK_MS);
    };
    try {
      const dataset = await chooseDataset(controller.signal);
      if (dataset === undefined) {
        state.value = { kind: 'idle' };
        return;
      }
      startedMs = ports.clock.monotonicMs();
      state.value = { kind: 'running', dataset, progress: undefined };
      tick();
      const result = await mesh.run(
        { source, fileName: 'udf.ts' },
        {
          dataset,
          skipErrors: draft.skipErrors.peek(),
          signal: controller.signal,
          onLog: (line) => unseenLogs.push(line),
          onProgress: (progress) => {
            unseenProgress = progress;
          },
          ...(params.kind === 'json' ? { params: params.value } : {}),
        },
      );
      show();
      const rows = result.output.kind === 'table' ? createResultRows(result.output.table) : undefined;
      state.value = { kind: 'done', dataset, result, rows };
    } catch (error) {
      show();
      state.value = controller.signal.aborted
        ? { kind: 'cancelled', tookMs: ports.clock.monotonicMs() - startedMs }
        : failed(toMeshError(error), source);
    } finally {
      stopTick();
      running = undefined;
    }
  };

  return { state, elapsedMs, logs, droppedLogs, run, cancel: () => running?.abort() };
}

function failed(error: MeshError, source: string): JobState {
  return { kind: 'failed', message: error.message, code: error.code, failure: failureOf(error), source };
}

/** The facts that a UDF's error carries, as far as they are of their form. */
function failureOf({ detail }: MeshError): Partial<UdfFailure> {
  const text = (name: string): string | undefined => (typeof detail[name] === 'string' ? detail[name] : undefined);
  const figure = (name: string): number | undefined => (typeof detail[name] === 'number' ? detail[name] : undefined);
  const facts = {
    message: text('message'),
    memberName: text('memberName'),
    rowNumber: figure('rowNumber'),
    row: detail['row'],
    fileName: text('fileName'),
    line: figure('line'),
    column: figure('column'),
  };
  return Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined));
}
