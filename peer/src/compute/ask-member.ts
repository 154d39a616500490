// One ask of one member for all its tasks of a job, and its notes as they come. Whether the member is
// there at all shows within a request's time; how long its tasks take is theirs.

import { abortable, createDeadline, type Key, limits, MeshError, toMeshError } from '@shoal/shared';
import type { Share } from './assignment.ts';
import type { ComputeParts } from './compute.ts';
import {
  encodeMessage,
  parseTaskNote,
  type TaskDone,
  type TaskFailed,
  type TasksAsk,
  TASKS_SERVICE,
} from './task-messages.ts';

export interface JobTask {
  readonly task: number;
  readonly key: Key;
  readonly firstRow: number;
}

export type AskedJob = Omit<TasksAsk, 'anywhere' | 'tasks'>;

export interface MemberAsk extends AskedJob {
  readonly share: Share<JobTask>;
  readonly signal: AbortSignal;
  take(note: TaskDone | TaskFailed): void;
}

/** Jobs have no deadline of their own; requests need one. */
const NO_DEADLINE_MS = 7 * 86_400_000;

/** Resolves when the member has done what it could: with why it left some undone, if it did. */
export async function askMember(parts: ComputeParts, ask: MemberAsk): Promise<MeshError | undefined> {
  const { share, signal, take, ...job } = ask;
  const first = createDeadline(parts.clock, limits.requestTimeoutMs, {
    outer: signal,
    reason: () => awayError(parts, share.member),
  });
  let isHeard = false;
  let refused: MeshError | undefined;
  const payload = encodeMessage({ ...job, anywhere: share.anywhere, tasks: share.tasks });
  const heard = new AbortController();
  const onFirstAbort = (): void => {
    if (!isHeard || signal.aborted) heard.abort(first.signal.reason);
  };
  first.signal.addEventListener('abort', onFirstAbort, { once: true });
  const onAbort = (): void => heard.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await abortable(
      parts.services.ask(
        share.member,
        TASKS_SERVICE,
        { payload },
        {
          signal: heard.signal,
          timeoutMs: NO_DEADLINE_MS,
          onNote: (message) => {
            if (!isHeard) {
              isHeard = true;
              first.end();
            }
            const note = parseTaskNote(message.payload);
            if (note.kind === 'refused') refused = MeshError.fromWire(note.error);
            else if (note.kind !== 'accepted') take(note);
          },
        },
      ),
      heard.signal,
    );
    return refused;
  } catch (error) {
    return toMeshError(error);
  } finally {
    first.end();
    signal.removeEventListener('abort', onAbort);
  }
}

/** Of an owner of chunks from which nothing was heard for a request's time. */
export function awayError(parts: ComputeParts, member: string): MeshError {
  const name = parts.values.members().find(({ id }) => id === member)?.name ?? member.slice(0, 8);
  return new MeshError(
    'owner-away',
    `${name} holds chunks of the dataset and has not answered for ${limits.requestTimeoutMs / 1000} s.`,
    {
      detail: { member },
    },
  );
}
