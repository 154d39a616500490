// Nothing happens, and both cores are busy with something else: no copy is dropped and no slot taken over.
// Ten minutes, with SHOAL_BIG=1 only; in virtual time: `test/sim/quiet.test.ts`.

import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join, type Mesh } from '@shoal/node-peer';
import { type Browser, chromium } from 'playwright';
import { afterAll, expect, test } from 'vitest';
import { launchChromium } from './chromium.ts';
import { openMember } from './page.ts';
import { createStage, until } from './support.ts';

const QUIET_MS = 600_000;
const SETTLE_MS = 240_000;
/** Time without a change after which nothing more is to be done. */
const STILL_MS = 5_000;

const stage = createStage();
const spinners: ChildProcess[] = [];
let browser: Browser | undefined;
let mesh: Mesh | undefined;

afterAll(async () => {
  for (const spinner of spinners) spinner.kill('SIGKILL');
  await mesh?.leave({ handOver: false }).catch(() => undefined);
  await browser?.close();
  await stage.close();
});

test.runIf(process.env['SHOAL_BIG'] === '1')(
  'four members and a tab change nothing while every core is busy',
  async () => {
    const { url } = await stage.startServer({ args: ['--replicas', '2'] });
    const names = ['ada', 'ben', 'cleo', 'dan'];
    await Promise.all(names.map((name) => stage.startPeer(url, { name, args: ['--workers', '1'] })));
    browser = await launchChromium(chromium);
    await openMember(await browser.newContext(), url);
    mesh = await join({ url, kind: 'command', workers: 1 });
    const { status } = mesh;
    let epoch = 0;
    let sinceMs = performance.now();
    const isStill = (): boolean => {
      const now = status();
      const isWhole = now.health.whole === now.slots && now.members.filter(({ slots }) => slots > 0).length === 5;
      if (!isWhole || now.epoch !== epoch) sinceMs = performance.now();
      ({ epoch } = now);
      return performance.now() - sinceMs > STILL_MS;
    };
    await until(isStill, () => `a whole mesh at rest: ${JSON.stringify(status().health)}`, SETTLE_MS);

    for (let core = 0; core < availableParallelism(); core += 1)
      spinners.push(spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));

    console.log(`${QUIET_MS / 1_000} s, table epoch ${epoch} before, ${status().epoch} after`);
    expect(status().epoch).toBe(epoch);
    expect(spinners.every(({ exitCode, signalCode }) => exitCode === null && signalCode === null)).toBe(true);
  },
  QUIET_MS + 2 * SETTLE_MS,
);
