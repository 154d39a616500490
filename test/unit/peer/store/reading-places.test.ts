import { expect, test } from 'vitest';
import { createReadingPlaces } from '../../../../peer/src/store/reading-places.ts';

const never = new AbortController().signal;

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  return (await Promise.race([promise.catch(() => undefined), Promise.resolve(pending)])) !== pending;
}

test('lets in as many bytes as there is room for, in the order in which they came', async () => {
  const places = createReadingPlaces(100);
  const first = await places.take(60, never);
  const second = places.take(50, never);
  const third = places.take(10, never);
  expect(await isSettled(second)).toBe(false);
  // It would fit, and does not overtake.
  expect(await isSettled(third)).toBe(false);

  first();

  (await second)();
  (await third)();
});

test('lets in one value of any size when nothing else is read', async () => {
  const places = createReadingPlaces(100);
  const release = await places.take(1_000, never);
  const next = places.take(1, never);
  expect(await isSettled(next)).toBe(false);

  release();

  (await next)();
});

test('who gives up leaves its place, before or as it is let in', async () => {
  const places = createReadingPlaces(100);
  const release = await places.take(100, never);
  const [waiting, lucky] = [new AbortController(), new AbortController()];
  const gone = places.take(100, waiting.signal);
  const late = places.take(100, lucky.signal);
  waiting.abort();
  await expect(gone).rejects.toMatchObject({ code: 'aborted' });
  release();
  lucky.abort();
  await late.then(
    (free) => free(),
    () => undefined,
  );

  (await places.take(100, never))();
});
