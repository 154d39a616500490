// The entry of a worker thread: nothing but the runtime, on the port that the host gave. Threads are for
// trusted code; what caged workers lack, such as files, is only refused by name before a function is sent.

import { workerData } from 'node:worker_threads';
import { createSystemClock } from '@shoal/shared';
import { serveRuntime } from '@shoal/peer/udf-runtime';
import type { WorkerPort } from '@shoal/peer';

const port: WorkerPort = workerData.port;

serveRuntime(port, {
  importModule: (code) => import(`data:text/javascript;charset=utf-8,${encodeURIComponent(code)}`),
  monotonicMs: createSystemClock().monotonicMs,
});
