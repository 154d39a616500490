// Changes that wait for the disk share one write: while one runs, all others wait for the next.

export interface GroupCommit {
  /** Resolves when a run has ended that began after this call; rejects with that run's error. */
  commit(): Promise<void>;
}

export function createGroupCommit(run: () => Promise<void>): GroupCommit {
  let running: Promise<void> | undefined;
  let following: Promise<void> | undefined;
  const start = (): Promise<void> => {
    const current = run().finally(() => {
      if (running === current) running = undefined;
    });
    running = current;
    return current;
  };
  return {
    commit() {
      if (following !== undefined) return following;
      if (running === undefined) return start();
      following = running
        // Whoever waits for that run hears its error; the next run is another matter.
        .catch(() => undefined)
        .then(() => {
          following = undefined;
          return start();
        });
      return following;
    },
  };
}
