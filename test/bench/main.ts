// `npm run bench`: all rows; `npm run bench -- NAME`: those whose name has it. Prints a table, and writes
// the same as JSON. Each figure stands beside its own limit, measured in the same run, in turns.

import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { dirname, join as joinPath } from 'node:path';
import { parseArgs } from 'node:util';
import { createStage, root } from '../e2e/support.ts';
import { createBench, PLACES } from './bench.ts';
import { isDoubtful, isMet, type Line, type Row, type Spread } from './row.ts';
import { ROWS } from './rows.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    smallest: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    place: { type: 'string', multiple: true },
    json: { type: 'string', default: joinPath(root, 'test-results', 'bench.json') },
  },
});

const rows = ROWS.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)));
// At the smallest a tab and a process at once show nothing that two of each did not.
const asked = values.place ?? (values.smallest ? ['Node to Node', 'tab to tab'] : PLACES);
const places = PLACES.filter((place) => asked.includes(place));
const rounds = values.smallest ? 1 : Number(values.rounds);
if (rows.length === 0) fail(`There is no row ${positionals.join(', ')}; there are ${names(ROWS)}.`);
if (places.length === 0) fail(`There is no place ${values.place?.join(', ')}; there are ${PLACES.join(', ')}.`);
if (!Number.isInteger(rounds) || rounds < 1) fail(`--rounds takes a whole number from 1, not ${values.rounds}.`);

const stage = createStage();
const bench = createBench(stage, { isSmallest: values.smallest, places, rounds });
// Members go with their parent; servers and browser have to be told.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(
    signal,
    () => void Promise.allSettled([stage.close(), bench.closeBrowser()]).then(() => process.exit(130)),
  );
const { dependencies } = JSON.parse(await readFile(joinPath(root, 'node-peer', 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
};
const machine = {
  date: new Date().toISOString(),
  commit: commit(),
  node: process.version,
  rtc: `node-datachannel ${dependencies['node-datachannel']}`,
  cores: availableParallelism(),
  processor: cpus()[0]?.model ?? 'unknown',
  load: loadavg()[0],
};
const results: {
  readonly row: string;
  readonly tookS?: number;
  readonly lines?: readonly Line[];
  readonly error?: string;
}[] = [];
const doubtful: Line[] = [];
let chromium: string | undefined;
try {
  console.log(
    `Shoal ${machine.commit}, Node ${machine.node}, ${machine.rtc}, ${machine.cores} cores (${machine.processor}), load ${machine.load?.toFixed(1)}`,
  );
  for (const row of rows) {
    console.log(`\n${row.title}  [${row.name}]\n  ${row.shows}`);
    const beganAt = performance.now();
    try {
      const lines = await row.run(bench);
      const tookS = Math.round((performance.now() - beganAt) / 1000);
      for (const line of lines) console.log(`  ${format(line)}`);
      console.log(`  (in ${tookS} s)`);
      doubtful.push(...lines.filter((line) => isDoubtful(line)));
      results.push({ row: row.name, tookS, lines });
    } catch (error) {
      console.log(`  FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      results.push({ row: row.name, error: String(error) });
    }
  }
} finally {
  chromium = await bench.chromium();
  if (chromium !== undefined) console.log(`\nTabs of Chromium ${chromium}`);
  await bench.close();
  await stage.close();
}
const isValid = values.smallest ? undefined : doubtful.length === 0;
if (isValid === false)
  console.log(`\nINVALID: ${doubtful.map(({ what }) => what).join('; ')} below 0.8 of what it was on an idle machine.`);
await mkdir(dirname(values.json), { recursive: true });
await writeFile(
  values.json,
  `${JSON.stringify({ machine: { ...machine, chromium }, isValid, results }, undefined, 2)}\n`,
);
const failed = results.filter(({ error }) => error !== undefined);
console.log(`\n${results.length - failed.length} rows ran, ${failed.length} failed`);
process.exit(failed.length === 0 ? 0 : 1);

function format(line: Line): string {
  const { what, unit, figure, limit, against, ratio, goal = {}, known } = line;
  const parts = [what.padEnd(34), `${span(figure)} ${unit}`.padEnd(30)];
  if (limit !== undefined) parts.push(`${against} ${span(limit)}`.padEnd(48));
  if (known !== undefined) parts.push(`before ${known}`);
  if (ratio !== undefined) parts.push(`${ratio.toFixed(2)} ×`);
  const bound = goal.atMost === undefined ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
  if (isMet(line) !== undefined && !values.smallest)
    parts.push(isMet(line) === true ? `goal met (${bound})` : `goal missed (${bound})`);
  return parts.join(' ');
}

function span({ median, least, most }: Spread): string {
  const digits = median < 10 ? 2 : median < 100 ? 1 : 0;
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'of no repository';
  }
}

function names(of: readonly Row[]): string {
  return of.map(({ name }) => name).join(', ');
}

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}
