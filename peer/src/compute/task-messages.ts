// What members say to each other about tasks, in the payload of Blob frames as structured values. What comes
// in is parsed here: behind it every field has its type.

import { isMeshErrorCode, type Key, type MeshErrorWire, type UdfId } from '@shoal/shared';
import type { JsonValue } from '../api.ts';
import type { Column, ColumnType } from '../data/column.ts';
import type { CallAsk, CallsAsk, CallsDone } from './call-messages.ts';
import { encodeCloneable } from './cloneable-writer.ts';
import {
  badMessage,
  bytes,
  errorWire,
  fields,
  type Fields,
  key,
  list,
  number,
  optionalNumber,
  record,
  text,
  udfId,
} from './message-fields.ts';
import type { Printed, RuntimeFailure } from './runtime-protocol.ts';

export const TASKS_SERVICE = 'tasks';
export const BUSY_SERVICE = 'busy';

export interface AskedTask {
  /** Its chunk's place in the dataset. */
  readonly task: number;
  readonly key: Key;
  readonly firstRow: number;
}

export interface TasksAsk {
  readonly job: string;
  readonly udf: UdfId;
  readonly fileName: string;
  readonly params: JsonValue;
  readonly skipErrors: boolean;
  readonly taskTimeoutMs: number;
  /** Run them though their chunks lie elsewhere: their owner takes no tasks. */
  readonly anywhere: boolean;
  readonly tasks: readonly AskedTask[];
}

export interface PrintedPart {
  readonly printed: readonly Printed[];
  readonly droppedLines: number;
}

export interface TaskDone extends PrintedPart {
  readonly kind: 'done';
  readonly task: number;
  readonly memberName: string;
  readonly worker: number;
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly failedRows: number;
  readonly startedAtMs: number;
  readonly runMs: number;
  readonly failures: readonly RuntimeFailure[];
  /** A state, or the key of the chunk that holds the rows (none: no rows). */
  readonly result:
    | { readonly kind: 'state'; readonly bytes: Uint8Array }
    | { readonly kind: 'chunk'; readonly key?: Key; readonly columns: readonly Column[] };
}

export interface TaskFailed extends PrintedPart {
  readonly kind: 'failed';
  readonly task: number;
  readonly memberName: string;
  readonly error: MeshErrorWire;
  readonly failure?: RuntimeFailure;
}

export type TaskNote =
  /** The tasks are in the queue: somebody is there. */
  | { readonly kind: 'accepted' }
  /** Not here, or not now: to be asked again, perhaps of another. */
  | { readonly kind: 'refused'; readonly task: number; readonly error: MeshErrorWire }
  | TaskDone
  | TaskFailed;

export function encodeMessage(message: TasksAsk | TaskNote | CallAsk | CallsAsk | CallsDone): Uint8Array {
  return encodeCloneable(message, 'message');
}

export function parseTasksAsk(payload: Uint8Array): TasksAsk {
  const from = fields(payload);
  return {
    job: text(from['job']),
    udf: udfId(from['udf']),
    fileName: text(from['fileName']),
    // Whatever it is: it goes to the user's function as it came.
    params: (from['params'] ?? null) as JsonValue,
    skipErrors: from['skipErrors'] === true,
    taskTimeoutMs: number(from['taskTimeoutMs']),
    anywhere: from['anywhere'] === true,
    tasks: list(from['tasks'], (item) => ({
      task: number(item['task']),
      key: key(item['key']),
      firstRow: number(item['firstRow']),
    })),
  };
}

export function parseTaskNote(payload: Uint8Array): TaskNote {
  const from = fields(payload);
  switch (from['kind']) {
    case 'accepted':
      return { kind: 'accepted' };
    case 'refused':
      return { kind: 'refused', task: number(from['task']), error: errorWire(from['error']) };
    case 'failed':
      return {
        kind: 'failed',
        ...parsePrinted(from),
        task: number(from['task']),
        memberName: text(from['memberName']),
        error: errorWire(from['error']),
        ...(from['failure'] === undefined ? {} : { failure: failure(record(from['failure'])) }),
      };
    case 'done':
      return parseDone(from);
    default:
      throw badMessage();
  }
}

function parseDone(from: Fields): TaskDone {
  const result = record(from['result']);
  return {
    kind: 'done',
    ...parsePrinted(from),
    task: number(from['task']),
    memberName: text(from['memberName']),
    worker: number(from['worker']),
    rowsIn: number(from['rowsIn']),
    rowsOut: number(from['rowsOut']),
    failedRows: number(from['failedRows']),
    startedAtMs: number(from['startedAtMs']),
    runMs: number(from['runMs']),
    failures: list(from['failures'], failure),
    result:
      result['kind'] === 'state'
        ? { kind: 'state', bytes: bytes(result['bytes']) }
        : {
            kind: 'chunk',
            columns: list(result['columns'], column),
            ...(result['key'] === undefined ? {} : { key: key(result['key']) }),
          },
  };
}

function parsePrinted(from: Fields): PrintedPart {
  return { droppedLines: number(from['droppedLines']), printed: list(from['printed'], printed) };
}

function printed(from: Fields): Printed {
  const level = LEVELS.find((known) => known === from['level']) ?? 'log';
  return { level, values: bytes(from['values']), ...optionalNumber('line', from['line']) };
}

function failure(from: Fields): RuntimeFailure {
  const { code, row, stack } = from;
  return {
    code: isMeshErrorCode(code) ? code : 'udf-threw',
    message: text(from['message']),
    ...optionalNumber('rowNumber', from['rowNumber']),
    ...optionalNumber('line', from['line']),
    ...optionalNumber('column', from['column']),
    ...(row instanceof Uint8Array ? { row } : {}),
    ...(typeof stack === 'string' ? { stack } : {}),
  };
}

const LEVELS = ['log', 'info', 'warn', 'error', 'debug'] as const;
const TYPES: readonly ColumnType[] = ['bool', 'int', 'float', 'string', 'timestamp', 'json'];

function column(from: Fields): Column {
  const type = TYPES.find((known) => known === from['type']);
  if (type === undefined) throw badMessage();
  return { name: text(from['name']), type };
}
