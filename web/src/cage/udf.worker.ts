// The program of a caged worker, built as one classic script (vite-udf-worker.ts), which the page turns into a
// `data:` URL. Before anything foreign runs, it takes away what the policy alone does not keep from a UDF, such as
// nested workers, and what would only fail in stranger ways.

import { createSystemClock } from '@shoal/shared';
import { serveRuntime } from '@shoal/peer/udf-runtime';

const TAKEN =
  'Worker SharedWorker fetch XMLHttpRequest WebSocket WebSocketStream EventSource WebTransport importScripts indexedDB caches ' +
  'BroadcastChannel postMessage close navigator webkitRequestFileSystem webkitRequestFileSystemSync webkitResolveLocalFileSystemURL ' +
  'webkitResolveLocalFileSystemSyncURL FontFace fonts Notification cookieStore crypto';

const { monotonicMs } = createSystemClock();
const { Blob, URL } = globalThis;
const answer = globalThis.postMessage.bind(globalThis);
const close = globalThis.close.bind(globalThis);
const createUrl = URL.createObjectURL.bind(URL);
const revokeUrl = URL.revokeObjectURL.bind(URL);

for (let scope: object | null = globalThis; scope !== null; scope = Reflect.getPrototypeOf(scope)) {
  for (const name of TAKEN.split(' ')) Reflect.deleteProperty(scope, name);
}

let isServing = false;
globalThis.addEventListener('message', (event: MessageEvent) => {
  const [port] = event.ports;
  if (port !== undefined && !isServing) {
    isServing = true;
    serveRuntime(port, { importModule, monotonicMs });
  } else {
    // The host is about to end this worker and asks whether its event loop is free. It is, and nothing runs in it any more.
    close();
    answer('free');
  }
});

async function importModule(code: string): Promise<unknown> {
  const url = createUrl(new Blob([code], { type: 'text/javascript' }));
  try {
    return await import(/* @vite-ignore */ url);
  } finally {
    revokeUrl(url);
  }
}
