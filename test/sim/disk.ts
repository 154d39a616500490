// A disk under a storage in memory, which outlives its processes and can lose, in any order, the batches of
// its last moments: what a loss of power makes of relaxed writes. A batch stays whole.

import type { Clock, Random } from '@shoal/shared';
import { createMemoryStorage, type MemoryStorage } from '../../peer/src/adapters/memory/storage.ts';
import type { StorageWrite } from '../../peer/src/ports/storage.ts';

export interface Disk {
  /** For a new process; that of the one before is gone. */
  open(): Promise<MemoryStorage>;
  /** Batches younger than that are lost, each with an even chance. */
  loseTail(tailMs: number): void;
  /** Everything is lost, the identity too. */
  wipe(): void;
}

interface Written {
  readonly atMs: number;
  readonly batch: readonly StorageWrite[];
}

export function createDisk({ clock, random }: { readonly clock: Clock; readonly random: Random }): Disk {
  let log: Written[] = [];
  const metas = new Map<string, Uint8Array>();
  let process: MemoryStorage | undefined;

  return {
    async open() {
      void process?.reopen();
      let isReplayed = false;
      const inner = createMemoryStorage({
        // A commit takes a moment, so that crashes fall between asking and storing.
        beforeWrite: () => (isReplayed ? pause(clock, 1 + random.next() * 4) : undefined),
      });
      for (const { batch } of log) await inner.write(batch);
      for (const [name, value] of metas) await inner.putMeta(name, value);
      isReplayed = true;
      const storage: MemoryStorage = {
        ...inner,
        async write(batch) {
          await inner.write(batch);
          log.push({ atMs: clock.monotonicMs(), batch: batch.map(copyOf) });
        },
        async putMeta(name, value) {
          await inner.putMeta(name, value);
          metas.set(name, value.slice());
        },
      };
      process = storage;
      return storage;
    },
    loseTail(tailMs) {
      const untilMs = clock.monotonicMs() - tailMs;
      log = log.filter(({ atMs }) => atMs <= untilMs || random.next() < 0.5);
    },
    wipe() {
      log = [];
      metas.clear();
    },
  };
}

function copyOf(write: StorageWrite): StorageWrite {
  if (write.kind !== 'put') return write;
  const { head, value } = write.record;
  return { ...write, record: { head: head.slice(), value: value?.slice() } };
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(resolve, delayMs);
  });
}
