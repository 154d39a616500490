import { expect, test } from 'vitest';
import { createMeshTime } from '../../../../peer/src/mesh/mesh-time.ts';
import { createVirtualClock } from '../../../sim/virtual-clock.ts';

test("is the registrar's clock at half of the round trip, and what went by since", async () => {
  const clock = createVirtualClock();
  const time = createMeshTime(clock);
  const asked = time.ask();
  await clock.advance(100);
  time.measured(1_000_000, asked);
  expect(time.nowMs()).toBe(1_000_050);
  await clock.advance(500);

  expect(time.nowMs()).toBe(1_000_550);
});

test.each([3_600_000, -3_600_000])('a wall clock that is set by %i ms does not bring it forward', async (stepMs) => {
  const clock = createVirtualClock();
  const time = createMeshTime(clock);
  time.measured(1_000_000, time.ask());
  await clock.advance(500);
  time.nowMs();
  clock.stepWall(stepMs);
  await clock.advance(500);

  expect(time.nowMs()).toBeLessThanOrEqual(1_001_000);
  await clock.advance(10_000);
  expect(time.nowMs()).toBeGreaterThanOrEqual(1_010_400);
});
