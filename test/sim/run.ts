// `npm run sim -- --seed N`: one seed again. It prints what happened and the hash of all that was
// delivered, which is the same in every process; with --events and --logs everything that happened.

import { parseArgs } from 'node:util';
import type { Fault } from './faults.ts';
import { formatReport } from './report.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    seed: { type: 'string' },
    events: { type: 'boolean', default: false },
    logs: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: true },
    /** Faults to keep, such as `freeze@7777`. */
    only: { type: 'string' },
  },
});

const seed = Number(values.seed);
if (!Number.isSafeInteger(seed)) {
  console.error('Say which seed: npm run sim -- --seed N');
  process.exit(2);
}
const began = process.cpuUsage();
const kept = values.only?.split(',');
const isKept = ({ kind, atMs }: Fault): boolean => kept?.includes(`${kind}@${Math.floor(atMs)}`) === true;
const plan = kept === undefined ? undefined : (await simulate({ seed })).plan.filter(isKept);
const report = await simulate({
  seed,
  ...(plan === undefined ? {} : { plan }),
  ...(values.events ? { onEvent: (atMs, what) => console.log(`${atMs.toFixed(1).padStart(9)} ${what}`) } : {}),
  ...(values.logs
    ? {
        onLog: (atMs, name, level, event, fields) =>
          console.log(
            `${atMs.toFixed(1).padStart(9)} ${name} ${level} ${event} ${JSON.stringify(fields ?? {}, (_, v: unknown) => (v instanceof Error ? v.message : v))}`,
          ),
      }
    : {}),
});
const spent = process.cpuUsage(began);
const isFailed = report.findings.length > 0;
console.log(formatReport(isFailed && values.shrink ? await shrink(report) : report));
console.log(`${((spent.user + spent.system) / 1_000).toFixed(0)} ms of CPU`);
process.exitCode = isFailed ? 1 : 0;
