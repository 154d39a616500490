// What a process and all that it started take of memory: from Linux, elsewhere nothing is known.

import { existsSync, readFileSync } from 'node:fs';
import { childrenOf } from './support.ts';

export interface MemoryWatch {
  /** At its highest since the watch began, above what it was then. */
  readonly growthBytes: number;
  readonly peakBytes: number;
  /** Looks once more, and ends the watch. */
  stop(): Promise<void>;
}

/** Resident, each shared page counted once; `Pss_Anon`: without the files that it has mapped, which the system takes back when it likes. */
export type MemoryFigure = 'Pss' | 'Pss_Anon';

/** `undefined` where the system does not say. */
export async function watchMemory(pid: number, figure: MemoryFigure = 'Pss'): Promise<MemoryWatch | undefined> {
  if (!existsSync('/proc/self/status')) return undefined;
  const before = await memoryOf(pid, figure);
  let peakBytes = before;
  let isOver = false;
  const look = async (): Promise<void> => {
    peakBytes = Math.max(peakBytes, await memoryOf(pid, figure));
  };
  const watching = (async () => {
    while (!isOver) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  })();
  return {
    get growthBytes() {
      return peakBytes - before;
    },
    get peakBytes() {
      return peakBytes;
    },
    stop: async () => {
      isOver = true;
      await watching;
      await look();
    },
  };
}

async function memoryOf(pid: number, figure: MemoryFigure): Promise<number> {
  const children = await childrenOf(pid);
  const below = await Promise.all(children.map((child) => memoryOf(child.pid, figure)));
  return below.reduce((sum, bytes) => sum + bytes, ownMemory(pid, figure));
}

function ownMemory(pid: number, figure: MemoryFigure): number {
  try {
    const [, kib = '0'] =
      new RegExp(`^${figure}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
    return Number(kib) * 1024;
  } catch {
    // It ended while we looked.
    return 0;
  }
}
