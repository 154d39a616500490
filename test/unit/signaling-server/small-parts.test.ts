// Parts that are small enough to be tested in a few lines each.

import { expect, test } from 'vitest';
import { createDeferred } from '@shoal/shared';
import { assertKnownHost, hostNameOf, isOwnOrigin, parseHandshake } from '../../../signaling-server/src/admission.ts';
import {
  CHANGE_LIMIT,
  ClientLimits,
  REFUSAL_LIMIT,
  REQUEST_LIMIT,
  SIGNAL_LIMIT,
} from '../../../signaling-server/src/client-limits.ts';
import { createGroupCommit } from '../../../signaling-server/src/group-commit.ts';
import { fullBucket, take } from '../../../signaling-server/src/rate-limit.ts';

test('a bucket gives its burst at once, then what flows in', () => {
  const limit = { burst: 10, perSecond: 2 };

  const burst = take(fullBucket(limit, 0), limit, { amount: 10, nowMs: 0 });
  const early = take(burst.bucket, limit, { amount: 1, nowMs: 400 });
  const later = take(early.bucket, limit, { amount: 1, nowMs: 500 });
  const back = take(later.bucket, limit, { amount: 1, nowMs: 100 });

  expect([burst.granted, early.granted, later.granted, back.granted]).toEqual([true, false, true, false]);
});

test('a client reaches each of its limits, and is cut off when it goes on', () => {
  const requests = new ClientLimits(0);
  const signals = new ClientLimits(0);
  const changes = new ClientLimits(0);
  const data = 'x'.repeat(1_024 * 1_024);

  for (let count = 0; count < REQUEST_LIMIT.burst; count += 1) expect(requests.admit('update', {}, 0)).toBe('granted');
  for (let count = 0; count < SIGNAL_LIMIT.burst / data.length; count += 1)
    expect(signals.admit('signal', { data }, 0)).toBe('granted');
  const message = { changes: Array.from({ length: 4_096 }) };
  for (let count = 0; count < CHANGE_LIMIT.burst / 4_096; count += 1)
    expect(changes.admit('propose', message, 0)).toBe('granted');

  expect(signals.admit('signal', { data }, 0)).toBe('refused');
  expect(signals.admit('signal', { data }, 1_000)).toBe('granted');
  expect(changes.admit('propose', message, 0)).toBe('refused');
  for (let count = 0; count < REFUSAL_LIMIT.burst; count += 1) expect(requests.admit('update', {}, 0)).toBe('refused');
  expect(requests.admit('update', {}, 0)).toBe('abuse');
});

test('commits that wait share one run, and each hears the run that began after it', async () => {
  const runs: ReturnType<typeof createDeferred<void>>[] = [];
  const commits = createGroupCommit(() => {
    const run = createDeferred<void>();
    runs.push(run);
    return run.promise;
  });

  const first = commits.commit();
  const second = commits.commit();
  const third = commits.commit();
  expect(runs).toHaveLength(1);
  runs[0]?.reject(new Error('disk full'));
  await expect(first).rejects.toThrow('disk full');
  await new Promise((resolve) => setImmediate(resolve));
  expect(runs).toHaveLength(2);
  runs[1]?.resolve();
  await Promise.all([second, third]);
  void commits.commit();

  expect(runs).toHaveLength(3);
});

test('an origin is ours when it is the address that was called', () => {
  expect(isOwnOrigin({ host: 'a:1' })).toBe(true);
  expect(isOwnOrigin({ host: 'A:1', origin: 'http://a:1' })).toBe(true);
  expect(isOwnOrigin({ host: 'a', origin: 'https://a' })).toBe(true);
  expect(isOwnOrigin({ host: 'a:1', origin: 'http://a:2' })).toBe(false);
  expect(isOwnOrigin({ host: 'a:1', origin: 'null' })).toBe(false);
  expect(isOwnOrigin({ origin: 'http://a' })).toBe(false);
});

test('a host is known as loopback, by the setting, or as an address if the server listens beyond loopback', () => {
  const isKnown = (header: string | undefined, host = '127.0.0.1'): boolean => {
    try {
      assertKnownHost({ host, hosts: ['Mesh.test'], token: undefined }, header);
      return true;
    } catch {
      return false;
    }
  };

  expect(
    ['127.0.0.1:8080', 'localhost', '[::1]:8080', '127.1.2.3', 'mesh.TEST:1'].map((header) => isKnown(header)),
  ).toEqual([true, true, true, true, true]);
  expect(
    [
      undefined,
      '',
      'evil.example',
      '127.0.0.1.evil.example',
      'mesh.test.evil.example',
      '10.0.0.1',
      'a@127.0.0.1',
      'localhost:x',
      'localhost/',
    ].filter((header) => isKnown(header)),
  ).toEqual([]);
  expect(['10.0.0.1:80', '[fe80::1]', 'mesh.test'].map((header) => isKnown(header, '0.0.0.0'))).toEqual([
    true,
    true,
    true,
  ]);
  expect(isKnown('evil.example', '0.0.0.0')).toBe(false);
  expect(hostNameOf('[::1]:80')).toBe('::1');
});

test('a token must be the whole token', () => {
  const rules = { host: '0.0.0.0', hosts: [], token: 'secret' };
  const refused = expect.objectContaining({ code: 'bad-token' });

  expect(parseHandshake(rules, { mesh: 'main', versions: [1], token: 'secret' })).toMatchObject({ mesh: 'main' });
  for (const token of [undefined, '', 'secre', 'secrets', 'Secret']) {
    expect(() => parseHandshake(rules, { mesh: 'main', versions: [1], token })).toThrow(refused);
  }
});
