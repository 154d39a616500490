// What a process takes of memory, from the system.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export interface ResidentWatch {
  /** The most above what it was when the watch began. */
  stop(): number;
}

const EVERY_MS = 100;

export function watchResident(pid: number): ResidentWatch {
  const before = residentBytes(pid);
  let most = before;
  const look = (): void => {
    most = Math.max(most, residentBytes(pid));
  };
  const timer = setInterval(look, EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return most - before;
    },
  };
}

function residentBytes(pid: number): number {
  const kib = existsSync('/proc/self/status')
    ? /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    : execFileSync('ps', ['-o', 'rss=', '-p', `${pid}`], { encoding: 'utf8' }).trim();
  return Number(kib) * 1024;
}
