// `npm run sim:mutants`: proves that the simulation finds bugs. Each fault is a line of the product replaced
// at load; the table says after how many seeds it showed as a broken promise. Crashes and hangs don't count.

import { fork, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './mutant-list.ts';
import { isBrokenPromise } from './report.ts';
import { simulate } from './simulation.ts';

const SEEDS_MOST = 200;
const FROM = 1;
/** A fault may make a seed run for ever. */
const SEED_WITHIN_MS = 300_000;

interface Outcome {
  /** Seeds that it took; undefined if none of them found it. */
  readonly seeds: number | undefined;
  readonly finding: string;
}

/** What a process says of a seed: what it found, `undefined` if it found nothing. */
interface Told {
  readonly seed: number;
  /** A broken promise. */
  readonly finding: string | undefined;
  /** A crash or a hang. */
  readonly other: string | undefined;
}

if (process.send === undefined) await lead();
else work();

/** One seed after the other, as it is told; with a planted fault, or without. */
function work(): void {
  process.on('message', (seed: number) => void judge(seed).then((told) => process.send?.(told)));
}

async function judge(seed: number): Promise<Told> {
  const { findings } = await simulate({ seed });
  const finding = findings.find(isBrokenPromise);
  return { seed, finding: firstLine(finding), other: firstLine(findings[0]) };
}

function firstLine(text: string | undefined): string | undefined {
  return text?.split('\n')[0];
}

async function lead(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seeds: { type: 'string', default: String(SEEDS_MOST) },
      processes: { type: 'string', default: String(availableParallelism()) },
      /** In all; what is not found by then is missed. */
      seconds: { type: 'string', default: 'Infinity' },
      /** Only those that are known to be found soon. */
      quick: { type: 'boolean', default: false },
      /** Where to write how many were found and missed. */
      report: { type: 'string' },
    },
  });
  const sound = createSound();
  const bounds = { seeds: Number(values.seeds), untilMs: performance.now() + Number(values.seconds) * 1_000 };
  const waiting = MUTANTS.filter(
    ({ name, isQuick }) =>
      (values.only === undefined || name.includes(values.only)) && (!values.quick || isQuick === true),
  );
  const all = waiting.length;
  let found = 0;
  const next = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const outcome = await hunt(mutant, sound, bounds);
      if (outcome.seeds !== undefined) found += 1;
      console.log(rowOf(mutant, outcome));
    }
  };
  await Promise.all(Array.from({ length: Number(values.processes) }, next));
  sound.close();
  console.log(`${found} of ${all} planted faults were found`);
  if (values.report !== undefined) writeFileSync(values.report, JSON.stringify({ passed: found, failed: all - found }));
  process.exitCode = found === all && all > 0 ? 0 : 1;
}

function rowOf({ name, breaks }: Mutant, { seeds, finding }: Outcome): string {
  const after = seeds === undefined ? 'NOT FOUND' : `${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`;
  return `${name.padEnd(60)} ${breaks.padEnd(10)} ${after.padStart(9)}  ${finding.slice(0, 90)}`;
}

interface Bounds {
  readonly seeds: number;
  readonly untilMs: number;
}

async function hunt(mutant: Mutant, sound: Sound, { seeds, untilMs }: Bounds): Promise<Outcome> {
  const planted = start(mutant);
  let other: string | undefined;
  try {
    for (let number = 0; number < seeds; number += 1) {
      if (performance.now() > untilMs) return { seeds: undefined, finding: `no time for more than ${number} seeds` };
      const told = await ask(planted, FROM + number);
      if (told.finding !== undefined && (await sound.passes(told.seed)))
        return { seeds: number + 1, finding: told.finding };
      other ??= told.other;
    }
    return { seeds: undefined, finding: other ?? '' };
  } catch (error) {
    return { seeds: undefined, finding: String(error) };
  } finally {
    planted.kill('SIGKILL');
  }
}

interface Sound {
  /** Whether a seed passes with no fault planted: else it proves nothing. */
  passes(seed: number): Promise<boolean>;
  close(): void;
}

function createSound(): Sound {
  const worker = start();
  const known = new Map<number, Promise<boolean>>();
  let last: Promise<unknown> = Promise.resolve();
  return {
    passes(seed) {
      const verdict = known.get(seed) ?? last.then(() => ask(worker, seed)).then(({ other }) => other === undefined);
      known.set(seed, verdict);
      last = verdict;
      return verdict;
    },
    close: () => worker.kill('SIGKILL'),
  };
}

function start(planted?: Mutant): ChildProcess {
  const { file, text, replacement } = planted ?? {};
  return fork(fileURLToPath(import.meta.url), [], {
    execArgv: ['--conditions=source', '--import', new URL('plant.mjs', import.meta.url).href, '--import', 'tsx'],
    env: {
      ...process.env,
      ...(planted === undefined ? {} : { SHOAL_PLANT: JSON.stringify({ file, text, replacement }) }),
    },
  });
}

function ask(worker: ChildProcess, seed: number): Promise<Told> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`seed ${seed} did not end`)), SEED_WITHIN_MS);
    const onEnd = (): void => reject(new Error(`the process ended in seed ${seed}`));
    worker.once('exit', onEnd);
    worker.once('message', (told) => {
      clearTimeout(timer);
      worker.off('exit', onEnd);
      resolve(told as Told);
    });
    worker.send(seed);
  });
}
