import { createSystemClock } from '@shoal/shared';
import { expect, test } from 'vitest';

const clock = createSystemClock();

function timer(delayMs: number): Promise<number> {
  const setAtMs = clock.monotonicMs();
  return new Promise((resolve) => {
    clock.setTimer(() => resolve(clock.monotonicMs() - setAtMs), delayMs);
  });
}

test('fires no timer before its time, whatever the platform does with fractions', async () => {
  const delays = Array.from({ length: 60 }, (_, number) => 1 + number / 7);

  const waited = await Promise.all(delays.map(timer));

  expect(waited.filter((waitedMs, index) => waitedMs < (delays[index] ?? 0))).toEqual([]);
});

test('fires no timer that was stopped, and none at once for being too long', async () => {
  let fired = 0;
  const stop = clock.setTimer(() => (fired += 1), 2);
  const stopLong = clock.setTimer(() => (fired += 1), 2 ** 32);
  stop();

  await timer(10);
  stopLong();

  expect(fired).toBe(0);
});
