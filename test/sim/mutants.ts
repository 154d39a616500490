// `npm run sim:mutants`: proves that the simulation finds bugs. Each fault is a line of the product replaced
// at load; the table says after how many seeds it showed as a broken promise. Crashes and hangs don't count.

import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './mutant-list.ts';
import { isBrokenPromise } from './report.ts';
import { simulate } from './simulation.ts';

const SEEDS_MOST = 200;
const FROM = 1;
/** Of one fault: it may make a seed run for ever. */
const WITHIN_MS = 15 * 60_000;

interface Outcome {
  /** Seeds that it took; undefined if none of them found it. */
  readonly seeds: number | undefined;
  readonly finding: string;
}

if (process.send === undefined) await lead();
else process.send(await hunt());

/** In a process with a planted fault. */
async function hunt(): Promise<Outcome> {
  let other = '';
  for (let number = 0; number < SEEDS_MOST; number += 1) {
    const { findings } = await simulate({ seed: FROM + number });
    const finding = findings.find(isBrokenPromise);
    other ||= findings[0] ?? '';
    if (finding !== undefined) return { seeds: number + 1, finding: firstLine(finding) };
  }
  return { seeds: undefined, finding: firstLine(other) };
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

async function lead(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      processes: { type: 'string', default: String(availableParallelism()) },
      /** Where to write how many were found and missed. */
      report: { type: 'string' },
    },
  });
  const waiting = MUTANTS.filter(({ name }) => values.only === undefined || name.includes(values.only));
  const all = waiting.length;
  let found = 0;
  const next = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const outcome = await plant(mutant);
      if (outcome.seeds !== undefined) found += 1;
      console.log(rowOf(mutant, outcome));
    }
  };
  await Promise.all(Array.from({ length: Number(values.processes) }, next));
  console.log(`${found} of ${all} planted faults were found`);
  if (values.report !== undefined) writeFileSync(values.report, JSON.stringify({ passed: found, failed: all - found }));
  process.exitCode = found === all && all > 0 ? 0 : 1;
}

function rowOf({ name, breaks }: Mutant, { seeds, finding }: Outcome): string {
  const after = seeds === undefined ? 'NOT FOUND' : `${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`;
  return `${name.padEnd(60)} ${breaks.padEnd(10)} ${after.padStart(9)}  ${finding.slice(0, 90)}`;
}

function plant({ file, text, replacement }: Mutant): Promise<Outcome> {
  return new Promise((resolve) => {
    const worker = fork(fileURLToPath(import.meta.url), [], {
      execArgv: ['--conditions=source', '--import', new URL('plant.mjs', import.meta.url).href, '--import', 'tsx'],
      env: { ...process.env, SHOAL_PLANT: JSON.stringify({ file, text, replacement }) },
    });
    const timer = setTimeout(() => worker.kill('SIGKILL'), WITHIN_MS);
    let outcome: Outcome = { seeds: undefined, finding: `the process ended, or ran for ${WITHIN_MS / 60_000} minutes` };
    worker.once('message', (told) => {
      outcome = told as Outcome;
    });
    worker.once('exit', () => {
      clearTimeout(timer);
      resolve(outcome);
    });
  });
}
