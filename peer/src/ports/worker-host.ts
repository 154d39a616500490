// Where UDFs run: a maker of isolated workers. Each worker runs `udf-runtime` behind a message port,
// to which the pool speaks Comlink. A thread of Node and a worker of the page's cage both fit.

/** What Comlink needs of a port: a `MessagePort`, in the page and in Node, is one. */
export interface WorkerPort {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  removeEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  start?(): void;
}

export interface HostedWorker {
  readonly port: WorkerPort;
  /** Settles once, when the worker has ended for whatever reason: crash, exit or `terminate`. */
  readonly ended: Promise<{ readonly reason: string }>;
  /** Resolves when the code has really stopped: its CPU time stands still. Idempotent. */
  terminate(): Promise<void>;
}

export interface WorkerHost {
  /** A fresh worker with the runtime loaded. Rejects `no-workers` with a sentence if this place can't have any. */
  start(options?: { readonly signal?: AbortSignal }): Promise<HostedWorker>;
  /** Whether code is kept from the network and storage of the member (`caged`), or trusted (`uncaged`). */
  readonly isolation: 'caged' | 'uncaged';
  close(): Promise<void>;
}
