// `readChunks` in a worker of its own, so that the page never stops while a file is read.

import { abortError, MeshError, throwIfAborted } from '@shoal/shared';
import { readChunks, type ReadChunks, type ReadItem, type ReadOptions } from '@shoal/peer/read-chunks';
import { isPageFileSource, type PageFileSource } from './file-source.ts';
import type { FromLoadWorker, ToLoadWorker } from './load-messages.ts';

/** Sources that can't be handed over (only files can) are read on the page. */
export function createPageChunkReader(): ReadChunks {
  return (source, options, context) =>
    isPageFileSource(source) ? readInWorker(source, options, context.signal) : readChunks(source, options, context);
}

async function* readInWorker(
  { blob, name }: PageFileSource,
  options: ReadOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadItem, void> {
  throwIfAborted(signal);
  const worker = new Worker(new URL('./load.worker.ts', import.meta.url), { type: 'module', name: 'shoal-load' });
  const inbox = createInbox(worker, signal);
  const say = (message: ToLoadWorker): void => worker.postMessage(message);
  try {
    say({ kind: 'read', blob, name, options: { ...options } });
    for (;;) {
      const message = await inbox.next();
      if (message.kind === 'done') return;
      if (message.kind === 'failed') throw MeshError.fromWire(message.error);
      say({ kind: 'more' });
      yield message.item;
    }
  } finally {
    inbox.close();
    worker.terminate();
  }
}

interface Inbox {
  /** Rejects when the worker is lost or the signal aborts. */
  next(): Promise<FromLoadWorker>;
  close(): void;
}

function createInbox(worker: Worker, signal: AbortSignal | undefined): Inbox {
  const waiting: FromLoadWorker[] = [];
  let failure: MeshError | undefined;
  let wake: (() => void) | undefined;
  const fail = (error: MeshError): void => {
    failure ??= error;
    wake?.();
  };
  const onAbort = (): void => {
    if (signal !== undefined) fail(abortError(signal));
  };
  worker.onmessage = (event: MessageEvent<FromLoadWorker>) => {
    waiting.push(event.data);
    wake?.();
  };
  worker.onerror = (event) =>
    fail(
      new MeshError(
        'worker-lost',
        `The worker that reads the file stopped: ${event.message || 'it could not be started'}.`,
      ),
    );
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    async next() {
      for (;;) {
        if (failure !== undefined) throw failure;
        const message = waiting.shift();
        if (message !== undefined) return message;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
    },
    close() {
      signal?.removeEventListener('abort', onAbort);
      worker.onmessage = null;
      worker.onerror = null;
    },
  };
}
