import { abortable, createDeadline, createDeferred, MeshError, onAbort, sleep, throwIfAborted } from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../sim/virtual-clock.ts';

/** An AbortSignal that counts who listens. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1;
    remove(...args);
  };
  return { controller, signal, listeners: () => listeners };
}

const late = () => new MeshError('deadline', 'Too late.');

describe('onAbort', () => {
  test('many wait for a signal with one listener; those that left are not told', () => {
    const { controller, signal, listeners } = countedSignal();
    const told: number[] = [];
    const stops = Array.from({ length: 50 }, (_, number) => onAbort(signal, () => told.push(number)));
    expect(listeners()).toBe(1);
    stops[7]?.();
    stops[7]?.();
    controller.abort();

    expect(told).toEqual(Array.from({ length: 50 }, (_, number) => number).filter((number) => number !== 7));
    for (const stop of stops) stop();
  });

  test('the last to leave takes the listener along', () => {
    const { signal, listeners } = countedSignal();
    const same = (): void => undefined;
    const stops = [onAbort(signal, same), onAbort(signal, same)];
    stops[0]?.();
    expect(listeners()).toBe(1);
    stops[1]?.();
    expect(listeners()).toBe(0);
  });
});

describe('abortable', () => {
  test('is the promise, and leaves no listener behind', async () => {
    const { signal, listeners } = countedSignal();

    await expect(abortable(Promise.resolve(7), signal)).resolves.toBe(7);
    expect(listeners()).toBe(0);
  });

  test('rejects as soon as the signal aborts, though the promise never settles', async () => {
    const { controller, signal } = countedSignal();
    const waiting = abortable(createDeferred<never>().promise, signal);

    controller.abort('enough');

    await expect(waiting).rejects.toMatchObject({ code: 'aborted', cause: 'enough' });
  });

  test('rejects at once when the signal has aborted, with its own error if that has a code', async () => {
    await expect(abortable(Promise.resolve(7), AbortSignal.abort(late()))).rejects.toMatchObject({ code: 'deadline' });
    expect(() => throwIfAborted(undefined)).not.toThrow();
  });
});

describe('a deadline', () => {
  test('aborts with its reason when the time has passed, not before', async () => {
    const clock = createVirtualClock();
    const { signal } = createDeadline(clock, 1_000, { reason: late });

    await clock.advance(999);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    expect(signal.reason).toMatchObject({ code: 'deadline' });
  });

  test('passes on an outer signal, and leaves neither timer nor listener when it ends', () => {
    const clock = createVirtualClock();
    const { controller, signal: outer, listeners } = countedSignal();
    const first = createDeadline(clock, 1_000, { outer, reason: late });
    const second = createDeadline(clock, 1_000, { outer, reason: late });

    first.end();
    controller.abort('enough');
    second.end();

    expect([first.signal.aborted, second.signal.reason]).toEqual([false, 'enough']);
    expect([listeners(), clock.timerCount()]).toEqual([0, 0]);
    expect(createDeadline(clock, 1_000, { outer, reason: late }).signal.aborted).toBe(true);
  });
});

describe('sleep', () => {
  test('ends after its time', async () => {
    const clock = createVirtualClock();
    let isAwake = false;
    const sleeping = sleep(clock, 50).then(() => (isAwake = true));

    await clock.advance(49);
    expect(isAwake).toBe(false);
    await clock.advance(1);
    await sleeping;
    expect(isAwake).toBe(true);
  });

  test('ends with its signal, and leaves no timer', async () => {
    const clock = createVirtualClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 50, controller.signal);

    controller.abort();

    await expect(sleeping).rejects.toMatchObject({ code: 'aborted' });
    expect(clock.timerCount()).toBe(0);
  });
});

test('a deferred settles by its handles', async () => {
  const resolved = createDeferred<number>();
  const rejected = createDeferred<number>();

  resolved.resolve(7);
  rejected.reject(late());

  await expect(resolved.promise).resolves.toBe(7);
  await expect(rejected.promise).rejects.toMatchObject({ code: 'deadline' });
});
