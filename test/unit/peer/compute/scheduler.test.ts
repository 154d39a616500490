import { describe, expect, test } from 'vitest';
import { createScheduler } from '../../../../peer/src/compute/scheduler.ts';

describe('the scheduler', () => {
  test('lets jobs take turns, each in its own order', () => {
    const scheduler = createScheduler<string>();
    for (const task of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) scheduler.add(task.slice(0, 1), task);

    const order = Array.from({ length: 6 }, () => scheduler.next());

    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
    expect(scheduler.next()).toBeUndefined();
  });

  test('refuses what goes beyond its bound, and takes again when there is room', () => {
    const scheduler = createScheduler<number>(2);
    scheduler.add('a', 1);
    scheduler.add('b', 2);

    expect(() => scheduler.add('c', 3)).toThrow(expect.objectContaining({ code: 'busy' }));
    scheduler.next();
    scheduler.add('c', 3);

    expect(scheduler.waiting).toBe(2);
  });

  test('forgets a task that was taken back', () => {
    const scheduler = createScheduler<string>();
    scheduler.add('a', 'a1');
    scheduler.add('a', 'a2');

    expect(scheduler.remove('a', 'a1')).toBe(true);
    expect(scheduler.remove('a', 'a1')).toBe(false);
    expect(scheduler.drain()).toEqual(['a2']);
    expect(scheduler.waiting).toBe(0);
  });
});
