// Many seeds on all cores: processes that each run one seed after the other, as they are told. The module
// that calls `runSeeds` is what they run: it begins with `if (isWorker) work(); else …`.

import { fork, type ChildProcess } from 'node:child_process';
import { formatLine, formatReport } from './report.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulation.ts';

/** What is told of one seed. */
export interface Outcome {
  readonly seed: number;
  readonly line: string;
  /** Of a failure: all there is to say. */
  readonly text: string | undefined;
  /** Kinds of faults, and how often each struck. */
  readonly struck: readonly (readonly [string, number])[];
  readonly counts: { readonly ok: number; readonly failed: number; readonly unknown: number };
  /** Of the operations outside cut-off members, 0 to 1. */
  readonly answered: number;
  readonly takeOvers: number;
  /** Of processor time. */
  readonly spentMs: number;
}

export interface SeedPool {
  /** The module whose processes run seeds. */
  readonly program: string;
  readonly processes: number;
  /** The next seed; undefined when it is enough. */
  next(): number | undefined;
  onOutcome(outcome: Outcome): void;
}

/** A seed takes a second; one that runs so long, on however busy a machine, runs for ever. */
const SEED_WITHIN_MS = 300_000;

export const isWorker = process.send !== undefined;

/** A worker: does one seed after the other, as it is told. */
export function work(): void {
  process.on('message', (seed: number) => void judge(seed).then((outcome) => process.send?.(outcome)));
}

/** Rejects if a process ends, or a seed does not. */
export async function runSeeds({ program, processes, next, onOutcome }: SeedPool): Promise<void> {
  const workers = Array.from({ length: processes }, () => fork(program, [], { execArgv: process.execArgv }));
  try {
    await Promise.all(
      workers.map(async (worker) => {
        for (let seed = next(); seed !== undefined; seed = next()) onOutcome(await ask(worker, seed));
      }),
    );
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
  }
}

async function judge(seed: number): Promise<Outcome> {
  const began = process.cpuUsage();
  const report = await simulate({ seed });
  const spent = process.cpuUsage(began);
  const { findings, struck, counts, answered, takeOvers } = report;
  return {
    seed,
    line: formatLine(report),
    text: findings.length === 0 ? undefined : formatReport(await shrink(report)),
    struck: [...struck],
    counts,
    answered,
    takeOvers,
    spentMs: (spent.user + spent.system) / 1_000,
  };
}

function ask(worker: ChildProcess, seed: number): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const onEnd = (): void => reject(new Error(`The process that ran seed ${seed} ended.`));
    const timer = setTimeout(
      () => reject(new Error(`Seed ${seed} did not end within ${SEED_WITHIN_MS / 1_000} s.`)),
      SEED_WITHIN_MS,
    );
    worker.once('exit', onEnd);
    worker.once('message', (outcome) => {
      clearTimeout(timer);
      worker.off('exit', onEnd);
      resolve(outcome as Outcome);
    });
    worker.send(seed);
  });
}
