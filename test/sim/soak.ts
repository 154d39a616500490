// `npm run soak -- --seeds N [--from M]`: many seeds, on all cores. Prints those that fail, with fewer
// faults where fewer do, and at the end what struck how often; each seed with `--lines`.

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { summarize } from './coverage.ts';
import { isWorker, runSeeds, work, type Outcome } from './seed-pool.ts';

if (isWorker) work();
else await lead();

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
  await runSeeds({
    program: fileURLToPath(import.meta.url),
    processes: Math.min(seeds, Number(values.processes)),
    next: () => (next < from + seeds ? (next += 1) - 1 : undefined),
    onOutcome(outcome) {
      outcomes.push(outcome);
      if (outcome.text !== undefined) console.log(outcome.text);
      else if (values.lines) console.log(outcome.line);
    },
  });
  console.log(summarize(outcomes));
  process.exitCode = outcomes.every(({ text }) => text === undefined) ? 0 : 1;
}
