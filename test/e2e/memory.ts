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

/** `undefined` where the system does not say. */
export async function watchMemory(pid: number): Promise<MemoryWatch | undefined> {
  if (!existsSync('/proc/self/status')) return undefined;
  const before = await memoryOf(pid);
  let peakBytes = before;
  let isOver = false;
  const look = async (): Promise<void> => {
    peakBytes = Math.max(peakBytes, await memoryOf(pid));
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

/** Resident, each shared page counted once where the system says so. */
async function memoryOf(pid: number): Promise<number> {
  const children = await childrenOf(pid);
  const below = await Promise.all(children.map((child) => memoryOf(child.pid)));
  return below.reduce((sum, bytes) => sum + bytes, ownMemory(pid));
}

function ownMemory(pid: number): number {
  try {
    const [, kib = '0'] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
    return Number(kib) * 1024;
  } catch {
    // It ended while we looked.
    return 0;
  }
}
