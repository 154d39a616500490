import { type Clock, createSystemClock, MeshError, silentLogger } from '@shoal/shared';
import type { HostedWorker, WorkerHost } from '@shoal/peer';
import { afterEach, describe, expect, test } from 'vitest';
import { createThreadWorkerHost } from '../../../../node-peer/src/adapters/thread-worker-host.ts';
import { decodeCloneable } from '../../../../peer/src/compute/cloneable-reader.ts';
import { encodeCloneable } from '../../../../peer/src/compute/cloneable-writer.ts';
import { createWorkerPool, type WorkerPool } from '../../../../peer/src/compute/worker-pool.ts';
import type { PoolAnswer } from '../../../../peer/src/compute/pooled-worker.ts';
import { createVirtualClock } from '../../../sim/virtual-clock.ts';

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const thing of opened.splice(0)) await thing.close();
});

/** A host of threads that counts them. */
function countingHost(): WorkerHost & { readonly alive: Set<HostedWorker>; started: number } {
  const host = createThreadWorkerHost();
  const alive = new Set<HostedWorker>();
  const counting = {
    ...host,
    alive,
    started: 0,
    start: async (options?: { readonly signal?: AbortSignal }) => {
      const worker = await host.start(options);
      counting.started += 1;
      alive.add(worker);
      void worker.ended.then(() => alive.delete(worker));
      return worker;
    },
  };
  opened.push(host);
  return counting;
}

function makePool(options: {
  readonly host: WorkerHost;
  readonly size: number;
  readonly clock?: Clock;
  readonly keptWarm?: number;
}): WorkerPool {
  const pool = createWorkerPool({
    clock: createSystemClock(),
    logger: silentLogger,
    read: async () => undefined,
    keptWarm: 1,
    ...options,
  });
  opened.unshift(pool);
  return pool;
}

interface CallOptions {
  readonly job?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

let count = 0;

function call(
  pool: WorkerPool,
  code: string,
  { job = 'job', timeoutMs = 10_000, signal }: CallOptions = {},
): Promise<PoolAnswer<Uint8Array>> {
  count += 1;
  const udf = { instance: `${job} ${count}`, code, sourceName: 'shoal-udf/00000000/pool.js' };
  const context = { member: { id: 'ada', name: 'ada' }, seed: '' };
  return pool.run({
    job,
    instance: udf.instance,
    timeoutMs,
    signal,
    work: (calls) => calls.call({ udf, context, args: encodeCloneable([]) }),
  });
}

function valueOf(answer: PoolAnswer<Uint8Array>): unknown {
  if (answer.outcome.kind === 'failed') throw new Error(answer.outcome.failure.message);
  return decodeCloneable(answer.outcome.value);
}

const FOREVER = 'export default () => { for (;;); };';

describe('the worker pool', () => {
  test('starts workers with the work, up to its size, and runs tasks at the same time', async () => {
    const host = countingHost();
    const pool = makePool({ host, size: 2 });
    const slow = 'export default async () => { await new Promise((done) => setTimeout(done, 100)); return 1; };';

    expect(host.started).toBe(0);
    const answers = await Promise.all([1, 2, 3, 4].map(() => call(pool, slow)));

    expect(host.started).toBe(2);
    expect(new Set(answers.map(({ worker }) => worker))).toEqual(new Set([1, 2]));
    expect(pool.view()).toEqual({ workers: 2, busy: 0, queued: 0 });
  });

  test('ends a worker whose task runs too long, and fills up again', async () => {
    const host = countingHost();
    const pool = makePool({ host, size: 1 });

    const [late, next] = await Promise.allSettled([
      call(pool, FOREVER, { timeoutMs: 300 }),
      call(pool, 'export default () => 2;'),
    ]);

    expect(late).toMatchObject({
      status: 'rejected',
      reason: { code: 'udf-timeout', message: 'The function ran longer than 300 ms; its worker was ended.' },
    });
    expect(next.status === 'fulfilled' && valueOf(next.value)).toBe(2);
    expect(host.started).toBe(2);
    expect(host.alive.size).toBe(1);
  });

  test('gives an answer to whoever waits when a worker ends by itself', async () => {
    const host = countingHost();
    const pool = makePool({ host, size: 1 });
    const dying = call(
      pool,
      'export default () => new Promise(() => setTimeout(() => { throw new Error("late"); }, 50));',
    );

    await expect(dying).rejects.toMatchObject({ code: 'worker-lost', message: expect.stringContaining('late') });
    expect(valueOf(await call(pool, 'export default () => 3;'))).toBe(3);
  });

  test('takes back a task that waits, and ends one that runs, when its caller gives up', async () => {
    const host = countingHost();
    const pool = makePool({ host, size: 1 });
    const runs = new AbortController();
    const waits = new AbortController();
    const running = call(pool, FOREVER, { signal: runs.signal });
    const waiting = call(pool, FOREVER, { signal: waits.signal });

    waits.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    runs.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });

    expect(pool.view()).toMatchObject({ busy: 0, queued: 0 });
  });

  test('refuses while paused and without workers, and takes again afterwards', async () => {
    const pool = makePool({ host: countingHost(), size: 1 });
    const blocked = Promise.allSettled([call(pool, FOREVER, { timeoutMs: 400 })]);
    await expect.poll(() => pool.view().busy).toBe(1);
    const waiting = call(pool, 'export default () => 1;');

    pool.pause(true);

    await expect(waiting).rejects.toMatchObject({ code: 'no-workers' });
    await expect(call(pool, 'export default () => 1;')).rejects.toMatchObject({ code: 'no-workers' });
    expect(await blocked).toMatchObject([{ reason: { code: 'udf-timeout' } }]);
    pool.pause(false);
    pool.setSize(0);
    await expect(call(pool, 'export default () => 1;')).rejects.toMatchObject({ code: 'no-workers' });
    pool.setSize(1);
    expect(valueOf(await call(pool, 'export default () => 1;'))).toBe(1);
  });

  test('ends workers that have had nothing to do for ten seconds, but keeps one', async () => {
    const host = countingHost();
    const clock = createVirtualClock();
    const pool = makePool({ host, size: 3, clock });
    await Promise.all([1, 2, 3].map(() => call(pool, 'export default () => 1;')));
    await expect.poll(() => host.alive.size).toBe(3);

    await expect
      .poll(async () => {
        // The last of the three may only now be ready.
        await clock.advance(10_001);
        return host.alive.size;
      })
      .toBe(1);
    await clock.advance(60_000);
    expect(host.alive.size).toBe(1);
    expect(valueOf(await call(pool, 'export default () => 4;'))).toBe(4);
  });

  test('ends workers that are too many now', async () => {
    const host = countingHost();
    const pool = makePool({ host, size: 3 });
    await Promise.all([1, 2, 3].map(() => call(pool, 'export default () => 1;')));

    pool.setSize(1);

    await expect.poll(() => host.alive.size).toBe(1);
    expect(pool.view().workers).toBe(1);
  });

  test('replaces a worker that has loaded fifty modules', async () => {
    const host = countingHost();
    const pool = makePool({ host, size: 1 });

    for (let one = 0; one < 52; one += 1) await call(pool, 'export default () => 1;');

    expect(host.started).toBe(2);
  });

  test('tells whoever waits when no worker can be had', async () => {
    const host: WorkerHost = {
      isolation: 'caged',
      start: async () => {
        throw new MeshError('no-workers', 'The frame is not there.');
      },
      close: async () => undefined,
    };
    const pool = makePool({ host, size: 2 });

    const asked = await Promise.allSettled([1, 2, 3].map(() => call(pool, 'export default () => 1;')));

    expect(asked.map((one) => one.status === 'rejected' && one.reason.code)).toEqual([
      'no-workers',
      'no-workers',
      'no-workers',
    ]);
  });

  test('leaves nobody waiting when it closes', async () => {
    const host = countingHost();
    const pool = makePool({ host, size: 1 });
    const calls = Promise.allSettled([call(pool, FOREVER), call(pool, FOREVER)]);
    await expect.poll(() => pool.view().busy).toBe(1);

    await pool.close();

    const ends = await calls;
    expect(ends.map((end) => end.status === 'rejected' && end.reason.code)).toEqual(['closed', 'closed']);
    expect(host.alive.size).toBe(0);
    await expect(call(pool, FOREVER)).rejects.toMatchObject({ code: 'closed' });
  });

  test('leaves no timer behind', async () => {
    const clock = createVirtualClock();
    const pool = makePool({ host: countingHost(), size: 1, clock });
    await call(pool, 'export default () => 1;');

    await pool.close();

    expect(clock.timerCount()).toBe(0);
  });
});
