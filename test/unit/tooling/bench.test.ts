// What the benchmark says of its samples, and the line that it shapes.

import { readFileSync } from 'node:fs';
import type { Channel } from '@shoal/peer';
import { afterEach, expect, test, vi } from 'vitest';
import { shapeChannel } from '../../bench/ends/shaped.ts';
import { median, middleMean, quantile } from '../../bench/figures.ts';
import { ROWS } from '../../bench/rows.ts';
import { inTurns, isDoubtful, isMet, type Line, spreadOf } from '../../bench/row.ts';

afterEach(() => vi.useRealTimers());

test('BENCHMARKS.md tells of each row', () => {
  const text = readFileSync(new URL('../../../BENCHMARKS.md', import.meta.url), 'utf8');

  expect([...text.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name)).toEqual(ROWS.map(({ name }) => name));
});

test('medians, means of the middle half and quantiles', () => {
  const samples = [9, 1, 4, 2, 3, 100, 5, 6];

  expect(median(samples)).toBe(4.5);
  expect(median([3, 1, 2])).toBe(2);
  expect(middleMean(samples)).toBe((3 + 4 + 5 + 6) / 4);
  expect(quantile(samples, 0.99)).toBe(100);
  expect(quantile(samples, 0)).toBe(1);
});

test('limit and figure take turns, and their medians make the ratio', async () => {
  const order: string[] = [];
  const measured = await inTurns(3, {
    limit: async (round) => {
      order.push(`limit ${round}`);
      return [10, 2, 4][round] ?? 0;
    },
    figure: async (round) => {
      order.push(`figure ${round}`);
      return [6, 100, 5][round] ?? 0;
    },
  });

  expect(order).toEqual(['limit 0', 'figure 0', 'limit 1', 'figure 1', 'limit 2', 'figure 2']);
  expect(measured).toMatchObject({ limit: { median: 4, least: 2, most: 10 }, figure: { median: 6 }, ratio: 1.5 });
});

test('a goal is for the ratio, or for the figure where there is none', () => {
  const line = (rest: Partial<Line>): Line => ({ what: '', unit: 'ms', figure: spreadOf([8]), ...rest });

  expect(isMet(line({}))).toBeUndefined();
  expect(isMet(line({ goal: { atMost: 8 } }))).toBe(true);
  expect(isMet(line({ goal: { atMost: 7.9 } }))).toBe(false);
  expect(isMet(line({ ratio: 0.9, goal: { atLeast: 0.9 } }))).toBe(true);
  expect(isMet(line({ ratio: Number.NaN, goal: { atLeast: 0.9 } }))).toBe(false);
});

test('a bare part far behind what it was makes the run doubtful', () => {
  const line = (unit: Line['unit'], figure: number, known?: number): Line => ({
    what: '',
    unit,
    figure: spreadOf([figure]),
    ...(known === undefined ? {} : { known }),
  });

  expect(isDoubtful(line('MB/s', 73, 90))).toBe(false);
  expect(isDoubtful(line('MB/s', 71, 90))).toBe(true);
  expect(isDoubtful(line('µs', 190, 160))).toBe(false);
  expect(isDoubtful(line('µs', 210, 160))).toBe(true);
  expect(isDoubtful(line('MB/s', 1))).toBe(false);
});

test('a shaped channel gives on what its rate allows, and says what it holds', async () => {
  vi.useFakeTimers();
  const sent: number[] = [];
  let end: (reason: string) => void = () => undefined;
  const inner = {
    remote: 'ada',
    maxMessageBytes: 65_552,
    bufferedBytes: 0,
    send: (message: Uint8Array) => sent.push(message.byteLength) > 0,
    onClose: (closed: (reason: string) => void) => {
      end = closed;
      return () => undefined;
    },
  } as unknown as Channel;
  const total = (): number => sent.reduce((sum, bytes) => sum + bytes, 0);
  const channel = shapeChannel(inner, 1_000_000);
  const message = new Uint8Array(10_000);

  let isRoomy = true;
  for (let number = 0; number < 200; number += 1) isRoomy = channel.send(message);
  expect(isRoomy).toBe(false);
  expect(channel.bufferedBytes + total()).toBe(2_000_000);

  await vi.advanceTimersByTimeAsync(500);
  expect(total()).toBeGreaterThan(475_000);
  expect(total()).toBeLessThanOrEqual(530_000);
  let wasReady = false;
  void channel.ready().then(() => (wasReady = true));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(wasReady).toBe(false);
  await vi.advanceTimersByTimeAsync(400);
  expect(wasReady).toBe(true);
  channel.send(message);

  end('closed');
  const before = total();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(total()).toBe(before);
  expect(channel.bufferedBytes).toBe(0);
});
