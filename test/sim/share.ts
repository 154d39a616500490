// `npm run sim:share`: CI's share of the simulation. As many of 300 seeds as fit into its time, on all
// cores, and never fewer than 100: other ones for each commit. It fails if a promise was broken, and if
// the seeds were not worth much: too few faults of a kind, take-overs or answers.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { lackingIn, summarize } from './coverage.ts';
import { isWorker, runSeeds, work, type Outcome } from './seed-pool.ts';

const SEEDS_MOST = 300;
const SEEDS_LEAST = 100;
const SEEDS = 1_000_000_000;

if (isWorker) work();
else await lead();

async function lead(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '150' },
      /** Instead of the checked-out commit. */
      commit: { type: 'string' },
      /** Where to write how many passed and failed. */
      report: { type: 'string' },
    },
  });
  const commit = values.commit ?? commitHere();
  const from = commit === undefined ? 1 : firstSeedOf(commit);
  const chosenBy = commit === undefined ? 'as there is no git commit here' : `chosen by commit ${commit.slice(0, 12)}`;
  console.log(`Seeds from ${from} on, ${chosenBy}: up to ${SEEDS_MOST} in ${values.seconds} s.`);
  const outcomes: Outcome[] = [];
  const untilMs = performance.now() + Number(values.seconds) * 1_000;
  let next = from;
  await runSeeds({
    program: fileURLToPath(import.meta.url),
    processes: availableParallelism(),
    next() {
      const begun = next - from;
      if (begun >= SEEDS_MOST || (begun >= SEEDS_LEAST && performance.now() >= untilMs)) return undefined;
      next += 1;
      return next - 1;
    },
    onOutcome(outcome) {
      outcomes.push(outcome);
      console.log(outcome.text ?? outcome.line);
    },
  });
  console.log(summarize(outcomes));
  const lacking = lackingIn(outcomes);
  for (const sentence of lacking) console.log(sentence);
  const passed = outcomes.filter(({ text }) => text === undefined).length;
  const failed = outcomes.length - passed + lacking.length;
  if (values.report !== undefined) writeFileSync(values.report, JSON.stringify({ passed, failed }));
  process.exitCode = failed === 0 ? 0 : 1;
}

/** Undefined outside git. */
function commitHere(): string | undefined {
  try {
    const folder = fileURLToPath(new URL('.', import.meta.url));
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: folder, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}

/** Another range for each commit; two hardly ever overlap. */
function firstSeedOf(commit: string): number {
  return 1 + (createHash('sha256').update(commit).digest().readUInt32BE() % SEEDS);
}
