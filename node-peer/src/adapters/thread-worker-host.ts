// UDF workers as threads of Node, for trusted code: they share this process and can reach its files.
// Environment and output are kept from them; memory is bounded, as far as V8's heap goes.

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { HostedWorker, WorkerHost, WorkerPort } from '@shoal/peer';
import { createDeferred, MeshError, throwIfAborted } from '@shoal/shared';
import { sourceThread } from './source-thread.ts';

/** The heap of one thread: chunks are some MiB, states of an aggregate may be large. */
const HEAP_MIB = 1024;

export function createThreadWorkerHost(): WorkerHost {
  const workers = new Set<HostedWorker>();
  let isClosed = false;
  return {
    isolation: 'uncaged',
    start: async ({ signal } = {}) => {
      throwIfAborted(signal);
      if (isClosed) throw new MeshError('closed', 'This member has left.');
      const worker = startThread();
      workers.add(worker);
      void worker.ended.then(() => workers.delete(worker));
      return worker;
    },
    close: async () => {
      isClosed = true;
      await Promise.all([...workers].map((worker) => worker.terminate()));
    },
  };
}

function startThread(): HostedWorker {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(threadEntry(), {
    workerData: { port: port2 },
    transferList: [port2],
    env: {},
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  const ended = createDeferred<{ readonly reason: string }>();
  let failure: string | undefined;
  worker.on('error', (error) => {
    failure = error.message;
  });
  worker.on('exit', (code) => {
    port1.close();
    ended.resolve({ reason: failure ?? `it exited with code ${code}` });
  });
  // Nobody reads them; unread they would fill.
  worker.stdout.resume();
  worker.stderr.resume();
  return {
    port: workerPort(port1),
    ended: ended.promise,
    terminate: async () => {
      await worker.terminate();
      await ended.promise;
    },
  };
}

/** Node's port says the same with other types. */
function workerPort(port: MessagePort): WorkerPort {
  const listeners = new Map<(event: { data: unknown }) => void, (data: unknown) => void>();
  return {
    // Node's transfer list names its own classes; what comes are ArrayBuffers and ports.
    postMessage: (message, transfer) => port.postMessage(message, transfer as readonly ArrayBuffer[] | undefined),
    addEventListener: (_type, listener) => {
      const hear = (data: unknown): void => listener({ data });
      listeners.set(listener, hear);
      port.on('message', hear);
    },
    removeEventListener: (_type, listener) => {
      const hear = listeners.get(listener);
      if (hear !== undefined) port.off('message', hear);
      listeners.delete(listener);
    },
    start: () => port.start(),
  };
}

/** The built thread; or one made of the source when this is the source itself, as in tests. */
function threadEntry(): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL('./udf-thread.js', import.meta.url);
  return sourceThread(new URL('./udf-thread.ts', import.meta.url));
}
