import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { type Supervised, supervise } from '../../../node-peer/src/supervisor.ts';
import { createVirtualClock } from '../../sim/virtual-clock.ts';

const program = fileURLToPath(new URL('./programs/program.mjs', import.meta.url));
const open: Supervised[] = [];

afterEach(async () => {
  for (const supervised of open.splice(0)) await supervised.end();
});

function start(modes: readonly string[]) {
  const clock = createVirtualClock();
  const children: ChildProcess[] = [];
  const died: { how: string; delayMs: number }[] = [];
  const readies: unknown[] = [];
  const supervised = supervise({
    clock,
    start: () => {
      const child = fork(program, [modes[children.length] ?? modes.at(-1) ?? 'run']);
      children.push(child);
      return child;
    },
    onReady: (message) => readies.push(message),
    onDied: (how, delayMs) => died.push({ how, delayMs }),
  });
  open.push(supervised);
  return { clock, children, died, readies, supervised };
}

test('a program that ends before it was ever ready is not started again', async () => {
  const { supervised, children, died, clock } = start(['fail']);

  await expect(supervised.ready).rejects.toThrow('ended with code 7');
  await clock.advance(60_000);

  expect(children).toHaveLength(1);
  expect(died).toEqual([]);
});

test('a program that dies is started again after a delay that grows', async () => {
  const { supervised, children, died, readies, clock } = start(['run']);
  await supervised.ready;

  for (const [index, delayMs] of [1_000, 2_000, 4_000, 8_000, 10_000].entries()) {
    children[index]?.kill('SIGKILL');
    await expect.poll(() => died.length).toBe(index + 1);
    expect(died[index]).toEqual({ how: 'was ended by SIGKILL', delayMs });

    await clock.advance(delayMs - 1);
    expect(children).toHaveLength(index + 1);
    await clock.advance(1);
    expect(children).toHaveLength(index + 2);
    await expect.poll(() => readies.length).toBe(index + 2);
  }
});

test('the delay starts afresh after a long time without a death', async () => {
  const { supervised, children, died, readies, clock } = start(['run']);
  await supervised.ready;
  children[0]?.send('die');
  await expect.poll(() => died.length).toBe(1);
  await clock.advance(1_000);
  await expect.poll(() => readies.length).toBe(2);

  await clock.advance(60_000);
  children[1]?.send('die');
  await expect.poll(() => died.length).toBe(2);

  expect(died[1]).toEqual({ how: 'ended with code 3', delayMs: 1_000 });
});

test('a program that was ready once is tried again even if it fails at its next start', async () => {
  const { supervised, children, died, clock } = start(['run', 'fail', 'run']);
  await supervised.ready;
  children[0]?.kill('SIGKILL');
  await expect.poll(() => died.length).toBe(1);
  await clock.advance(1_000);
  await expect.poll(() => died.length).toBe(2);
  await clock.advance(2_000);

  expect(children).toHaveLength(3);
});

test('ended, it is gone and stays gone', async () => {
  const { supervised, children, died, clock } = start(['run']);
  await supervised.ready;
  const [child] = children;
  const exited = child === undefined ? undefined : once(child, 'exit');

  await supervised.end();
  await exited;
  await clock.advance(60_000);

  expect(children).toHaveLength(1);
  expect(died).toEqual([]);
  expect(supervised.pid()).toBeUndefined();
});

test('a program that was drained is not started again', async () => {
  const { supervised, children, died, readies, clock } = start(['run']);
  await supervised.ready;

  children[0]?.send('leave');
  await once(children[0] as ChildProcess, 'exit');
  await clock.advance(60_000);

  expect(children).toHaveLength(1);
  expect(died).toEqual([]);
  expect(readies).toHaveLength(1);
});
