// `npm run soak -- --seeds N [--from M]`: many seeds, on all cores. Prints those that fail, with fewer
// faults where fewer do, and at the end what struck how often.

import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatLine, formatReport } from './report.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulation.ts';

/** What a worker tells of one seed. */
interface Outcome {
  readonly seed: number;
  readonly line: string;
  /** Of a failure: all there is to say. */
  readonly text: string | undefined;
  readonly struck: readonly (readonly [string, number])[];
  readonly takeOvers: number;
  readonly answered: number;
  readonly counts: { readonly ok: number; readonly failed: number; readonly unknown: number };
  readonly spentMs: number;
}

if (process.send === undefined) await lead();
else work();

/** A worker: does one seed after the other, as it is told. */
function work(): void {
  process.on('message', (seed: number) => void judge(seed).then((outcome) => process.send?.(outcome)));
}

async function judge(seed: number): Promise<Outcome> {
  const began = process.cpuUsage();
  const report = await simulate({ seed });
  const spent = process.cpuUsage(began);
  const isPassed = report.findings.length === 0;
  return {
    seed,
    line: formatLine(report),
    text: isPassed ? undefined : formatReport(await shrink(report)),
    struck: [...report.struck],
    takeOvers: report.takeOvers,
    answered: report.answered,
    counts: report.counts,
    spentMs: (spent.user + spent.system) / 1_000,
  };
}

async function lead(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      from: { type: 'string', default: '1' },
      processes: { type: 'string', default: String(availableParallelism()) },
      lines: { type: 'boolean', default: false },
    },
  });
  const seeds = Number(values.seeds);
  const from = Number(values.from);
  if (!Number.isSafeInteger(seeds) || !Number.isSafeInteger(from) || seeds < 1) {
    console.error('Say how many seeds: npm run soak -- --seeds N [--from M]');
    process.exit(2);
  }
  const outcomes: Outcome[] = [];
  let next = from;
  const workers = Array.from({ length: Math.min(seeds, Number(values.processes)) }, () => startWorker());
  await Promise.all(
    workers.map(async (worker) => {
      while (next < from + seeds) {
        const seed = next;
        next += 1;
        const outcome = await ask(worker, seed);
        outcomes.push(outcome);
        if (outcome.text !== undefined) console.log(outcome.text);
        else if (values.lines) console.log(outcome.line);
      }
      worker.kill();
    }),
  );
  console.log(summary(outcomes));
  process.exitCode = outcomes.every(({ text }) => text === undefined) ? 0 : 1;
}

function startWorker(): ChildProcess {
  return fork(fileURLToPath(import.meta.url), [], { execArgv: process.execArgv });
}

function ask(worker: ChildProcess, seed: number): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const onEnd = (): void => reject(new Error(`The process that ran seed ${seed} ended.`));
    worker.once('exit', onEnd);
    worker.once('message', (outcome) => {
      worker.off('exit', onEnd);
      resolve(outcome as Outcome);
    });
    worker.send(seed);
  });
}

function summary(outcomes: readonly Outcome[]): string {
  const failed = outcomes.filter(({ text }) => text !== undefined).map(({ seed }) => seed);
  const seedsWith = new Map<string, number>();
  for (const { struck } of outcomes) for (const [kind] of struck) seedsWith.set(kind, (seedsWith.get(kind) ?? 0) + 1);
  const faults = [...seedsWith].toSorted((a, b) => b[1] - a[1]).map(([kind, count]) => `${kind} in ${count}`);
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const ok = sum(({ counts }) => counts.ok);
  const all = ok + sum(({ counts }) => counts.failed + counts.unknown);
  const longest = Math.max(...outcomes.map(({ spentMs }) => spentMs));
  return [
    `${outcomes.length - failed.length} of ${outcomes.length} seeds passed${failed.length === 0 ? '' : `; failed: ${failed.toSorted((a, b) => a - b).join(' ')}`}`,
    `${all} operations, ${((100 * ok) / all).toFixed(1)} % of them answered`,
    `${(sum(({ spentMs }) => spentMs) / outcomes.length).toFixed(0)} ms of CPU a seed, ${longest.toFixed(0)} at most`,
    `${outcomes.filter(({ takeOvers }) => takeOvers > 0).length} seeds with take-overs, ${sum(({ takeOvers }) => takeOvers)} in all`,
    `answered, worst: ${outcomes
      .toSorted((a, b) => a.answered - b.answered)
      .slice(0, 12)
      .map(({ seed, answered }) => `${seed}: ${(100 * answered).toFixed(0)} %`)
      .join(', ')}`,
    `seeds by faults: ${faults.join(', ')}`,
  ].join('\n');
}
