// What a submitter knows of its running job, from the notes of the members: records, progress, lines,
// failures, states and places of rows. A task that ran twice counts once.

import { MeshError, type PeerId } from '@shoal/shared';
import type { JobProgress, LogLine, TaskRecord, UdfFailure } from '../api.ts';
import { decodeCloneable } from './cloneable-reader.ts';
import { FAILURES_KEPT, type Printed } from './runtime-protocol.ts';
import type { PrintedPart, TaskDone, TaskFailed } from './task-messages.ts';
import { errorOfFailure, failureForPeople } from './udf-failure.ts';

export interface GatheringOptions {
  readonly fileName: string;
  readonly tasks: number;
  readonly nameOf: (member: PeerId) => string;
  readonly onProgress: ((progress: JobProgress) => void) | undefined;
  readonly onLog: ((line: LogLine) => void) | undefined;
}

export interface Gathering {
  assign(task: number, member: PeerId): void;
  isDone(task: number): boolean;
  /** False if it is known already. */
  takeDone(member: PeerId, note: TaskDone): boolean;
  /** The error that ends the job. */
  takeFailed(member: PeerId, note: TaskFailed): MeshError;
  /** Lines that were printed outside of tasks: by a join or a finish here. */
  takePrinted(
    from: { readonly member: PeerId; readonly memberName: string; readonly chunk?: number },
    part: PrintedPart,
  ): void;
  progress(): JobProgress;
  summary(): GatheredSummary;
}

export interface GatheredSummary {
  readonly tasks: readonly TaskRecord[];
  readonly failedRows: number;
  readonly failures: readonly UdfFailure[];
  readonly logs: readonly LogLine[];
  readonly droppedLogLines: number;
}

/** Lines of one job that are kept; the others were given to `onLog` and are counted. */
const LINES_KEPT = 10_000;

export function createGathering(options: GatheringOptions): Gathering {
  const assigned = new Map<number, PeerId>();
  const records = new Map<number, TaskRecord>();
  const logs: LogLine[] = [];
  let failures: UdfFailure[] = [];
  let failedRows = 0;
  let droppedLogLines = 0;

  const takePrinted: Gathering['takePrinted'] = (from, { printed, droppedLines }) => {
    droppedLogLines += droppedLines;
    for (const one of printed) {
      const line = lineOf(one, from);
      if (logs.length < LINES_KEPT) logs.push(line);
      else droppedLogLines += 1;
      options.onLog?.(line);
    }
  };

  return {
    assign: (task, member) => assigned.set(task, member),
    isDone: (task) => records.has(task),
    takeDone: (member, note) => {
      if (records.has(note.task) || !assigned.has(note.task)) return false;
      const { memberName, worker, rowsIn, rowsOut, startedAtMs, runMs } = note;
      records.set(note.task, {
        chunk: note.task,
        member,
        memberName,
        worker,
        rowsIn,
        rowsOut,
        failedRows: note.failedRows,
        startedAtMs,
        runMs,
      });
      takePrinted({ member, memberName, chunk: note.task }, note);
      failedRows += note.failedRows;
      const place = { fileName: options.fileName, member, memberName };
      const shown = note.failures.slice(0, FAILURES_KEPT).map((one) => failureForPeople(one, place));
      failures = [...failures, ...shown]
        .sort((a, b) => (a.rowNumber ?? 0) - (b.rowNumber ?? 0))
        .slice(0, FAILURES_KEPT);
      options.onProgress?.(progressOf(options, assigned, records));
      return true;
    },
    takeFailed: (member, note) => {
      const { memberName, failure } = note;
      takePrinted({ member, memberName, chunk: note.task }, note);
      const place = { fileName: options.fileName, member, memberName };
      if (failure !== undefined) return errorOfFailure(failure, place);
      const { code, message, detail } = note.error;
      return new MeshError(code, `${message} (chunk ${note.task}, on ${memberName})`, {
        detail: { ...detail, ...place, chunk: note.task },
      });
    },
    takePrinted,
    progress: () => progressOf(options, assigned, records),
    summary: () => ({
      tasks: [...records.values()].sort((a, b) => a.chunk - b.chunk),
      failedRows,
      failures,
      logs,
      droppedLogLines,
    }),
  };
}

function progressOf(
  options: GatheringOptions,
  assigned: ReadonlyMap<number, PeerId>,
  records: ReadonlyMap<number, TaskRecord>,
): JobProgress {
  const members = new Map<PeerId, { member: PeerId; name: string; tasks: number; done: number; rows: number }>();
  const of = (member: PeerId): { tasks: number; done: number; rows: number } => {
    const known = members.get(member) ?? { member, name: options.nameOf(member), tasks: 0, done: 0, rows: 0 };
    members.set(member, known);
    return known;
  };
  for (const [task, member] of assigned) of(records.get(task)?.member ?? member).tasks += 1;
  for (const record of records.values()) {
    const member = of(record.member);
    member.done += 1;
    member.rows += record.rowsIn;
  }
  return { tasks: options.tasks, done: records.size, members: [...members.values()] };
}

function lineOf(
  printed: Printed,
  from: { readonly member: PeerId; readonly memberName: string; readonly chunk?: number },
): LogLine {
  const values = decodeCloneable(printed.values);
  return {
    ...from,
    level: printed.level,
    values: Array.isArray(values) ? (values as readonly unknown[]) : [values],
    ...(printed.line === undefined ? {} : { line: printed.line }),
  };
}
