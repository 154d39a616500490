// Who is next for a worker: jobs take turns, so that one of 10,000 chunks does not keep the others waiting.
// Pure: it holds what waits and says which goes first.

import { limits, MeshError } from '@shoal/shared';

export interface Scheduler<T> {
  /** Throws `busy` at the bound. */
  add(job: string, task: T): void;
  /** The next, of the job whose turn it is. */
  next(): T | undefined;
  /** True if it was waiting. */
  remove(job: string, task: T): boolean;
  /** All that waits, which it forgets. */
  drain(): readonly T[];
  readonly waiting: number;
}

export function createScheduler<T>(bound: number = limits.queuedTasks): Scheduler<T> {
  // In the order of turns: the job that was served goes to the end.
  const jobs = new Map<string, Set<T>>();
  let waiting = 0;

  return {
    add: (job, task) => {
      if (waiting >= bound)
        throw new MeshError('busy', `This member has ${waiting} tasks waiting and takes no more now.`);
      const tasks = jobs.get(job) ?? new Set();
      tasks.add(task);
      jobs.set(job, tasks);
      waiting += 1;
    },
    next: () => {
      for (const [job, tasks] of jobs) {
        jobs.delete(job);
        for (const task of tasks) {
          tasks.delete(task);
          waiting -= 1;
          if (tasks.size > 0) jobs.set(job, tasks);
          return task;
        }
      }
      return undefined;
    },
    remove: (job, task) => {
      const tasks = jobs.get(job);
      if (tasks?.delete(task) !== true) return false;
      waiting -= 1;
      if (tasks.size === 0) jobs.delete(job);
      return true;
    },
    drain: () => {
      const all = [...jobs.values()].flatMap((tasks) => [...tasks]);
      jobs.clear();
      waiting = 0;
      return all;
    },
    get waiting() {
      return waiting;
    },
  };
}
