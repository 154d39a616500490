// What every WorkerHost owes: workers that answer, apart from each other, and that are gone when they are said to be.

import { wrap, type Remote } from 'comlink';
import { describe, expect, test } from 'vitest';
import type { HostedWorker, WorkerHost } from '@shoal/peer';
import { endpointOf } from '../../peer/src/compute/comlink-port.ts';
import { decodeCloneable } from '../../peer/src/compute/cloneable-reader.ts';
import { encodeCloneable } from '../../peer/src/compute/cloneable-writer.ts';
import {
  type FunctionCall,
  isRuntimeNote,
  type Outcome,
  type RuntimeCalls,
} from '../../peer/src/compute/runtime-protocol.ts';

export function workerHostContract(name: string, make: () => WorkerHost): void {
  describe(`a worker host: ${name}`, () => {
    test('starts workers with the runtime loaded', async () => {
      await using(make(), async (host) => {
        const worker = await host.start();

        expect(await callsOf(worker).ready()).toBe(true);
        expect(await returned(worker, 'export default (a, b) => new Map([[a, b]]);', [1, 'x'])).toEqual(
          new Map([[1, 'x']]),
        );
      });
    });

    test('keeps workers apart', async () => {
      await using(make(), async (host) => {
        const [ada, ben] = await Promise.all([host.start(), host.start()]);

        expect(await returned(ada, 'Object.prototype.mark = 1; export default () => ({}).mark;')).toBe(1);
        expect(await returned(ben, 'export default () => ({}).mark;')).toBeUndefined();
      });
    });

    test('moves what is transferred', async () => {
      await using(make(), async (host) => {
        const worker = await host.start();
        const bytes = new Uint8Array(64);

        worker.port.postMessage({ ignored: bytes }, [bytes.buffer]);

        expect(bytes.byteLength).toBe(0);
        expect(await callsOf(worker).ready()).toBe(true);
      });
    });

    test('ends a worker whose code never yields, once and for all', async () => {
      await using(make(), async (host) => {
        const worker = await host.start();
        const printed = new Promise((resolve) => {
          worker.port.addEventListener('message', ({ data }) => {
            if (isRuntimeNote(data)) resolve(data);
          });
        });
        void call(worker, 'export default () => { console.log("now"); for (;;); };').catch(() => undefined);
        await printed;

        await Promise.all([worker.terminate(), worker.terminate()]);

        expect(await worker.ended).toEqual({ reason: expect.any(String) });
        await worker.terminate();
      });
    });

    test('tells when a worker ended by itself', async () => {
      await using(make(), async (host) => {
        const worker = await host.start();

        void call(worker, 'export default () => { setTimeout(() => { throw new Error("late"); }); };').catch(
          () => undefined,
        );

        expect((await worker.ended).reason).toContain('late');
      });
    });

    test('has none for who has given up', async () => {
      await using(make(), async (host) => {
        await expect(host.start({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
      });
    });

    test('ends all with itself, and starts none afterwards', async () => {
      const host = make();
      const workers = await Promise.all([host.start(), host.start()]);

      await host.close();

      await Promise.all(workers.map(({ ended }) => ended));
      await expect(host.start()).rejects.toMatchObject({ code: 'closed' });
      await host.close();
    });
  });
}

async function using(host: WorkerHost, work: (host: WorkerHost) => Promise<void>): Promise<void> {
  try {
    await work(host);
  } finally {
    await host.close();
  }
}

function callsOf(worker: HostedWorker): Remote<RuntimeCalls> {
  return wrap<RuntimeCalls>(endpointOf(worker.port));
}

let calls = 0;

function call(worker: HostedWorker, code: string, args: readonly unknown[] = []): Promise<Outcome<Uint8Array>> {
  calls += 1;
  const ask: FunctionCall = {
    udf: { instance: `contract ${calls}`, code, sourceName: 'shoal-udf/00000000/contract.js' },
    context: { member: { id: 'ada', name: 'ada' }, seed: '' },
    args: encodeCloneable(args),
  };
  return callsOf(worker).call(ask);
}

async function returned(worker: HostedWorker, code: string, args: readonly unknown[] = []): Promise<unknown> {
  const outcome = await call(worker, code, args);
  if (outcome.kind === 'failed') throw new Error(outcome.failure.message);
  return decodeCloneable(outcome.value);
}
