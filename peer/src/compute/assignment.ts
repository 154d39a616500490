// Which member runs which task: the owner of the chunk, unless it takes no tasks; then another that does,
// and the submitter itself only if there is no other. Pure.

import type { Key, PeerId, RosterEntry } from '@shoal/shared';

export interface Share<Task> {
  readonly member: PeerId;
  /** The chunks of these tasks lie elsewhere. */
  readonly anywhere: boolean;
  readonly tasks: readonly Task[];
}

export interface AssignInput<Task> {
  readonly tasks: readonly Task[];
  readonly roster: readonly RosterEntry[];
  readonly self: PeerId;
  /** Members that refused tasks though the roster says otherwise. */
  readonly refusing: ReadonlySet<PeerId>;
  ownerOf(key: Key): PeerId | undefined;
}

export interface Assignment<Task> {
  readonly shares: readonly Share<Task>[];
  /** Tasks that nobody takes. */
  readonly left: readonly Task[];
}

export function assignTasks<Task extends { readonly key: Key }>(input: AssignInput<Task>): Assignment<Task> {
  const entries = new Map(input.roster.map((entry) => [entry.id, entry] as const));
  const helpers = input.roster
    .filter((entry) => takesTasks(entry) && !input.refusing.has(entry.id))
    .map(({ id }) => id);
  const others = helpers.filter((id) => id !== input.self);
  const turns = others.length > 0 ? others : helpers;
  const shares = new Map<string, { member: PeerId; anywhere: boolean; tasks: Task[] }>();
  const left: Task[] = [];
  let turn = 0;

  const give = (member: PeerId, anywhere: boolean, task: Task): void => {
    const name = `${member} ${anywhere}`;
    const share = shares.get(name) ?? { member, anywhere, tasks: [] };
    share.tasks.push(task);
    shares.set(name, share);
  };

  for (const task of input.tasks) {
    const owner = input.ownerOf(task.key);
    const entry = owner === undefined ? undefined : entries.get(owner);
    if (owner === undefined) left.push(task);
    // An owner that is away is waited for: nobody else has its chunks.
    else if (!input.refusing.has(owner) && (entry === undefined || entry.state === 'away' || takesTasks(entry)))
      give(owner, false, task);
    else {
      const helper = turns[turn % Math.max(1, turns.length)];
      turn += 1;
      if (helper === undefined) left.push(task);
      else give(helper, true, task);
    }
  }
  return { shares: [...shares.values()], left };
}

/** A paused or leaving member still serves what it holds; commands and members without workers never run tasks. */
export function takesTasks(entry: RosterEntry): boolean {
  return entry.state === 'here' && entry.workers > 0 && entry.kind !== 'command';
}
