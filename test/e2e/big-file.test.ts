// A large CSV through the page's file input, and through the command line: slice by slice, with progress,
// cancelled in the middle, then whole. 40 MB here; 200 MB with SHOAL_BIG=1. Times and memory are printed;
// what is asserted of them is far from what was measured.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { type BrowserContext, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BigCsv, writeBigCsv } from './big-csv.ts';
import { launchProfile } from './chromium.ts';
import { type MemoryWatch, watchMemory } from './memory.ts';
import { openMember, settled, showsMembers } from './page.ts';
import { watchTasks } from './page-tasks.ts';
import { createStage, type PeerRunning, type Serving } from './support.ts';

const MB = 1_000_000;
const isBig = process.env['SHOAL_BIG'] === '1';
const sizeBytes = (isBig ? 200 : 40) * MB;
const STOP_MOST_MS = 100;
const GROWTH_MOST_BYTES = 500 * MB;
const TEST_MS = isBig ? 600_000 : 120_000;

const stage = createStage();
let serving: Serving;
let peer: PeerRunning;
let context: BrowserContext;
let page: Page;
let path: string;
let csv: BigCsv;
/** Of the browser, from before the first load. */
let memory: MemoryWatch | undefined;

beforeAll(async () => {
  path = join(await stage.folder(), 'big.csv');
  csv = await writeBigCsv(path, sizeBytes);
  serving = await stage.startServer({ peer: true });
  peer = await stage.startPeer(serving.url, { name: 'ben' });
  context = await launchProfile(chromium, await stage.folder());
  page = await openMember(context, serving.url);
  await showsMembers(page, 3);
  await settled(page);
  memory = await watchMemory(browserPid());
}, TEST_MS);

afterAll(async () => {
  await memory?.stop();
  await context?.close();
  await stage.close();
});

test(
  'a load that is cancelled in the middle leaves nothing on any member',
  async () => {
    const before = await keysOf('~*');
    await choosePath();
    await page.waitForFunction(() => (document.querySelector('progress')?.value ?? 0) > 0.3, undefined, {
      timeout: TEST_MS,
    });
    expect((await keysOf('~chunk/*')).length).toBeGreaterThan(0);

    await page.locator('.load-progress').getByRole('button', { name: 'Cancel' }).click();

    await page.locator('.load-progress').waitFor({ state: 'detached', timeout: 60_000 });
    expect(await keysOf('~*')).toEqual(before);
  },
  TEST_MS,
);

test(
  'the whole file loads through the page, which goes on answering, and is counted by all members',
  async () => {
    const stopWatching = await watchTasks(page);
    const startedMs = performance.now();
    await choosePath();
    const shown = await progressUntilLoaded();
    const tookMs = performance.now() - startedMs;
    await memory?.stop();
    const tasks = await stopWatching();
    report('page', { tookMs, tasks, growthMb: toMb(memory?.growthBytes), peakMb: toMb(memory?.peakBytes) });

    expect(shown.length).toBeGreaterThan(3);
    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
    expect(tasks.count).toBeGreaterThan(100);
    // Of processor time, which a busy machine does not change.
    expect(tasks.longestCpuMs).toBeLessThan(STOP_MOST_MS);
    expect(memory?.growthBytes ?? 0).toBeLessThan(GROWTH_MOST_BYTES);
    expect(await page.locator('.datasets tr', { hasText: 'big' }).innerText()).toContain(csv.rows.toLocaleString('en'));
    await expectCounted('big', 3);
  },
  TEST_MS,
);

test(
  'the command line streams it',
  async () => {
    const members = await watchMemory(peer.pid);
    const startedMs = performance.now();
    const loading = stage.start(['load', '--join', serving.url, path, '--name', 'large']);
    const command = await watchMemory(loading.pid);
    expect((await loading.ended).code).toBe(0);
    const tookMs = performance.now() - startedMs;
    await Promise.all([command?.stop(), members?.stop()]);
    report('command line', {
      tookMs,
      commandMb: toMb(command?.peakBytes),
      memberGrowthMb: toMb(members?.growthBytes),
      memberMb: toMb(members?.peakBytes),
    });

    expect(command?.peakBytes ?? 0).toBeLessThan(GROWTH_MOST_BYTES);
    expect(members?.growthBytes ?? 0).toBeLessThan(GROWTH_MOST_BYTES);
    await expectCounted('large', 3);
  },
  TEST_MS,
);

async function choosePath(): Promise<void> {
  await page.getByLabel('File to load').setInputFiles(path);
}

/** The values that the progress bar had. */
async function progressUntilLoaded(): Promise<readonly number[]> {
  const shown: number[] = [];
  const loaded = page.getByText('big loaded:');
  while (!(await loaded.isVisible())) {
    const value = await page.evaluate(() => document.querySelector('progress')?.value ?? null);
    if (value !== null && value !== shown.at(-1)) shown.push(value);
    if (await page.locator('.bad-box').isVisible()) throw new Error(await page.locator('.bad-box').innerText());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return shown;
}

async function expectCounted(dataset: string, members: number): Promise<void> {
  const udf = join(await stage.folder(), 'count.ts');
  await writeFile(
    udf,
    `interface Row { isPaid: boolean; price: number | null; amount: number }
export default {
  init: () => ({ rows: 0, paid: 0, missingPrices: 0, amounts: 0 }),
  visit(sum: Record<string, number>, row: Row) {
    sum.rows += 1;
    if (row.isPaid) sum.paid += 1;
    if (row.price === null) sum.missingPrices += 1;
    sum.amounts += row.amount;
  },
  join: (a: Record<string, number>, b: Record<string, number>) =>
    Object.fromEntries(Object.entries(a).map(([name, value]) => [name, value + b[name]])),
};
`,
  );
  const done = await stage.shoal(['run', '--join', serving.url, udf, '--dataset', dataset, '--json']);
  const result = JSON.parse(done.stdout) as { output: { value: unknown }; tasks: readonly { member: string }[] };
  const { bytes: _bytes, ...expected } = csv;
  expect(result.output.value).toEqual(expected);
  expect(new Set(result.tasks.map(({ member }) => member)).size).toBe(members);
}

async function keysOf(pattern: string): Promise<readonly string[]> {
  const done = await stage.shoal(['ls', '--join', serving.url, pattern]);
  expect(done.code).toBe(0);
  return done.stdout.split('\n').filter((line) => line !== '');
}

/** Of the browser with this test's profile: Playwright does not tell. */
function browserPid(): number {
  if (!existsSync('/proc/self/status')) return 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1];
      if (Number(parent) === process.pid && command.includes('--user-data-dir=') && !command.includes('--type='))
        return Number(name);
    } catch {
      // It ended while we looked.
    }
  }
  throw new Error('no browser');
}

function toMb(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : Math.round(bytes / MB);
}

function report(what: string, figures: object): void {
  console.log(`${what}, ${toMb(csv.bytes)} MB, ${csv.rows} rows:`, JSON.stringify(figures));
}
