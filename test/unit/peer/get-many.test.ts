import { createSystemClock, MeshError } from '@shoal/shared';
import { expect, test } from 'vitest';
import { getMany } from '../../../peer/src/get-many.ts';

const clock = createSystemClock();
const keys = Array.from({ length: 600 }, (_, number) => `key ${number}`);

test('values come in the order of their keys, absent ones as undefined', async () => {
  let open = 0;
  let most = 0;
  const get = async (key: string) => {
    open += 1;
    most = Math.max(most, open);
    await new Promise((resolve) => setImmediate(resolve));
    open -= 1;
    return key.endsWith('9') ? undefined : `value of ${key}`;
  };

  expect(await getMany({ clock, get }, keys)).toEqual(
    keys.map((key) => (key.endsWith('9') ? undefined : `value of ${key}`)),
  );
  expect(most).toBe(256);
});

test('the first error ends the others', async () => {
  const cancelled: string[] = [];
  const get = (key: string, { signal }: { readonly signal?: AbortSignal } = {}) =>
    new Promise<string>((_, reject) => {
      if (key === 'key 3') return reject(new MeshError('lost', 'Nobody has it.'));
      signal?.addEventListener('abort', () => {
        cancelled.push(key);
        reject(signal.reason);
      });
    });

  await expect(getMany({ clock, get }, keys)).rejects.toMatchObject({ code: 'lost' });
  expect(cancelled.length).toBe(255);
});

test('the time is for all of them, and the signal ends them', async () => {
  const get = (_: string, { signal }: { readonly signal?: AbortSignal } = {}) =>
    new Promise<string>((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));

  await expect(getMany({ clock, get }, keys, { timeoutMs: 20 })).rejects.toMatchObject({
    code: 'deadline',
    message: '600 values had not come within 20 ms.',
  });
  const stop = new AbortController();
  const getting = getMany({ clock, get }, keys, { signal: stop.signal });
  stop.abort(new MeshError('aborted', 'Enough.'));
  await expect(getting).rejects.toMatchObject({ code: 'aborted' });
});
