import { limits } from '@shoal/shared';
import { expect, test } from 'vitest';
import { createFlight, type Flight } from '../../../../peer/src/wire/flight.ts';
import { createVirtualClock } from '../../../sim/virtual-clock.ts';

const KiB = 1024;

/** Sends as much as it may over a line of that rate for two seconds; gives the bytes that are on their way then. */
async function run(bytesPerMs: number, roundTripMs: number): Promise<Flight> {
  const clock = createVirtualClock();
  const flight = createFlight(clock, () => roundTripMs);
  const line: { readonly atMs: number; readonly bytes: number }[] = [];
  let freeAtMs = 0;
  for (let nowMs = 0; nowMs < 2_000; nowMs += 1) {
    while (line[0] !== undefined && line[0].atMs <= nowMs) flight.credited(line.shift()?.bytes ?? 0);
    while (flight.hasRoom) {
      freeAtMs = Math.max(freeAtMs, nowMs) + (64 * KiB) / bytesPerMs;
      line.push({ atMs: freeAtMs + roundTripMs, bytes: 64 * KiB });
      flight.sent(64 * KiB);
    }
    await clock.advance(1);
  }
  return flight;
}

test('a slow line has no more than a tenth of a second on its way, or the least window', async () => {
  const slow = await run(100, 20);
  expect(slow.outstandingBytes).toBeLessThanOrEqual(64 * KiB + 64 * KiB);

  const middling = await run(10_000, 20);
  expect(middling.outstandingBytes).toBeLessThanOrEqual(10_000 * 120 * 1.1 + 64 * KiB);
  expect(middling.outstandingBytes).toBeGreaterThan(10_000 * 20);
});

test('a fast line has no more than the receiver allows', async () => {
  const fast = await run(100_000, 5);

  expect(fast.outstandingBytes).toBeLessThanOrEqual(limits.creditBytes + 64 * KiB);
  expect(fast.outstandingBytes).toBeGreaterThan(MiBOf(3));
});

test('a long line is filled', async () => {
  const long = await run(10_000, 200);

  expect(long.windowBytes).toBeGreaterThan(10_000 * 200);
});

test('credit for bytes that were never sent opens nothing', () => {
  const flight = createFlight(createVirtualClock(), () => 1);
  flight.sent(1_000);

  flight.credited(1e12);
  flight.sent(64 * 1024 * KiB);

  expect(flight.outstandingBytes).toBe(64 * 1024 * KiB);
  expect(flight.hasRoom).toBe(false);
});

function MiBOf(count: number): number {
  return count * 1024 * KiB;
}
