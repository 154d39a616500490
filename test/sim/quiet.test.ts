// Nothing happens, on machines so busy that every process stands still for up to 0.8 s again and again:
// no copy is dropped and no slot taken over. Two minutes here; ten with SHOAL_BIG=1.

import { env } from 'node:process';
import { expect, test } from 'vitest';
import { begin } from './schedules/script.ts';

const QUIET_MS = env['SHOAL_BIG'] === '1' ? 600_000 : 120_000;
const SLOTS = 8;
const NAMES = ['ada', 'ben', 'cleo', 'dan', 'tab'];
/** Less than what makes a member doubt itself. */
const STALL_MOST_MS = 800;

test('five members that are always short of processor time change nothing', async () => {
  const mesh = await begin({
    members: Object.fromEntries(NAMES.map((name) => [name, name === 'tab' ? 'tab' : 'node'])),
    copies: NAMES.slice(0, 2),
    slots: SLOTS,
  });
  for (let slot = 0; slot < SLOTS; slot += 1)
    mesh.wish([NAMES[slot % NAMES.length] ?? '', NAMES[(slot + 1) % NAMES.length] ?? ''], slot);
  await mesh.pass(10_000);
  const epochs = (): readonly number[] => mesh.registrar.rows().map(({ epoch }) => epoch);
  const before = epochs();

  const { world } = mesh;
  const draw = world.random('stalls');
  const untilMs = world.nowMs() + QUIET_MS;
  const stall = (name: string): void => {
    if (world.nowMs() > untilMs) return;
    const process = mesh.process(name);
    process.freeze();
    world.after(draw.between(0, STALL_MOST_MS), () => {
      process.wake();
      world.after(draw.between(0, STALL_MOST_MS), () => stall(name));
    });
  };
  for (const name of NAMES) stall(name);
  await mesh.pass(QUIET_MS);

  expect(epochs()).toEqual(before);
  expect(mesh.judge()).toEqual([]);
}, 120_000);
