// `npm run chaos`: real processes and real tabs under load, with a fault every five seconds. Exit code 1 if
// anything that was acknowledged is lost, or a history is not linearizable.

import { parseArgs } from 'node:util';
import { type ChaosOptions, runChaos } from './chaos.ts';
import { FAULT_KINDS, type FaultKind } from './faults.ts';
import { formatReport } from './report.ts';

const USAGE = 'npm run chaos -- [--minutes 10] [--replicas 2] [--seed N] [--rate 200] [--short] [--only KIND,…]';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    replicas: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string', default: '200' },
    short: { type: 'boolean', default: false },
    /** Some kinds alone, such as `member killed,disk full`. */
    only: { type: 'string' },
  },
});
const [minutes, replicas, seed, putsPerSecond] = [values.minutes, values.replicas, values.seed, values.rate].map(
  Number,
);
if (!isPositive(minutes) || !isPositive(seed) || !isPositive(putsPerSecond) || (replicas !== 2 && replicas !== 3)) {
  console.error(`Copies are 2 or 3, the rest are positive numbers: ${USAGE}`);
  process.exit(2);
}
const kinds = values.only?.split(',') ?? FAULT_KINDS;
if (!kinds.every(isKind)) {
  console.error(`Faults are ${FAULT_KINDS.join(', ')}.`);
  process.exit(2);
}
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
const options: ChaosOptions = {
  minutes,
  replicas,
  seed,
  putsPerSecond,
  kinds,
  short: values.short,
  signal: interrupted.signal,
  log: (line) => console.error(line),
};
try {
  const report = await runChaos(options);
  console.log(formatReport(report, options));
  process.exitCode = report.findings.length > 0 ? 1 : 0;
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
  process.exitCode = 130;
}

function isKind(text: string): text is FaultKind {
  return FAULT_KINDS.some((kind) => kind === text);
}

function isPositive(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value > 0;
}
