// The frame in which UDF workers are made. It is served with a policy of its own, which its workers
// inherit: no network, no workers but `data:` ones. The page, which is of the same origin, calls `spawn`.

/** Starts a worker and gives it the port; the worker's creator is this frame. */
export type Spawn = (programUrl: string, port: MessagePort) => Worker;

declare global {
  interface Window {
    shoalSpawn?: Spawn;
  }
}

window.shoalSpawn = (programUrl, port) => {
  const worker = new Worker(programUrl);
  worker.postMessage(null, [port]);
  return worker;
};
