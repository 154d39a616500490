// `npm run sim:mutants`: proves that the simulation finds bugs. Each fault is a line of the product replaced
// at load; the table says after how many seeds it showed as a broken promise. Crashes and hangs don't count.

import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './mutant-list.ts';
import { isBrokenPromise } from './report.ts';
import { simulate } from './simulation.ts';

const SEEDS_MOST = Number(process.env['SIM_SEEDS'] ?? 200);
const FROM = 1;

interface Outcome {
  /** Seeds that it took; undefined if none of them found it. */
  readonly seeds: number | undefined;
  readonly finding: string;
}

if (process.send === undefined) await lead();
else process.send(await hunt());

/** In a process with a planted fault. */
async function hunt(): Promise<Outcome> {
  for (let number = 0; number < SEEDS_MOST; number += 1) {
    const { findings } = await simulate({ seed: FROM + number });
    const finding = findings.find(isBrokenPromise);
    if (finding !== undefined) return { seeds: number + 1, finding: finding.split('\n')[0] ?? '' };
  }
  return { seeds: undefined, finding: '' };
}

async function lead(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      processes: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const waiting = MUTANTS.filter(({ name }) => values.only === undefined || name.includes(values.only));
  let missed = 0;
  const next = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const { seeds, finding } = await plant(mutant);
      if (seeds === undefined) missed += 1;
      const after = seeds === undefined ? 'NOT FOUND' : `${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`;
      console.log(
        `${mutant.name.padEnd(56)} ${mutant.breaks.padEnd(10)} ${after.padStart(9)}  ${finding.slice(0, 90)}`,
      );
    }
  };
  await Promise.all(Array.from({ length: Number(values.processes) }, next));
  process.exitCode = missed === 0 ? 0 : 1;
}

function plant({ file, text, replacement, name }: Mutant): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const worker = fork(fileURLToPath(import.meta.url), [], {
      execArgv: ['--conditions=source', '--import', new URL('plant.mjs', import.meta.url).href, '--import', 'tsx'],
      env: { ...process.env, SHOAL_PLANT: JSON.stringify({ file, text, replacement }) },
    });
    let outcome: Outcome | undefined;
    worker.once('message', (told) => {
      outcome = told as Outcome;
    });
    worker.once('exit', () => {
      if (outcome === undefined) reject(new Error(`The process with the fault "${name}" ended without a word.`));
      else resolve(outcome);
    });
  });
}
