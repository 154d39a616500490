// UDF workers in the page's cage: `data:` workers made by a hidden frame that has its own policy, so that they
// reach neither network nor storage (STACK: the cage). They share the page's process and its memory.

import type { HostedWorker, WorkerHost } from '@shoal/peer';
import { abortable, createDeferred, MeshError } from '@shoal/shared';
import type { Spawn } from '../cage/cage.ts';

export interface CageOptions {
  /** Where the frame and the program are; the defaults are those of the built page. */
  readonly cageUrl?: string;
  readonly programUrl?: string;
}

/** A frame that has not loaded within this will not. */
const FRAME_MS = 10_000;
/** A worker that does not answer within this runs code. */
const FREE_MS = 50;
/** Measured in Chromium 156: `terminate` ends a free worker at once, and a loop that never yields after 2.0 s, by force. Nothing tells when. */
const FORCED_END_MS = 2_300;

export function createCageWorkerHost(options: CageOptions = {}): WorkerHost {
  const workers = new Set<HostedWorker>();
  let cage: Promise<Cage> | undefined;
  let isClosed = false;
  return {
    isolation: 'caged',
    start: async ({ signal } = {}) => {
      if (isClosed) throw closedError();
      cage ??= openCage(options).catch((error: unknown) => {
        // Perhaps only this once: the next worker tries again.
        cage = undefined;
        throw error;
      });
      const opened = await abortable(cage, signal);
      if (isClosed) throw closedError();
      const worker = startWorker(opened);
      workers.add(worker);
      void worker.ended.then(() => workers.delete(worker));
      return worker;
    },
    close: async () => {
      isClosed = true;
      await Promise.all([...workers].map((worker) => worker.terminate()));
      const opened = await cage?.catch(() => undefined);
      opened?.frame.remove();
    },
  };
}

interface Cage {
  readonly frame: HTMLIFrameElement;
  readonly spawn: Spawn;
  /** A `data:` URL: a worker from it has an origin of its own. */
  readonly program: string;
}

async function openCage({ cageUrl = '/cage.html', programUrl = '/udf-worker.js' }: CageOptions): Promise<Cage> {
  const frame = document.createElement('iframe');
  frame.hidden = true;
  frame.title = 'Where functions run';
  try {
    const [spawn, program] = await Promise.all([loadFrame(frame, cageUrl), fetchProgram(programUrl)]);
    return { frame, spawn, program };
  } catch (error) {
    frame.remove();
    throw error;
  }
}

async function loadFrame(frame: HTMLIFrameElement, url: string): Promise<Spawn> {
  const loaded = createDeferred<undefined>();
  frame.addEventListener('load', () => loaded.resolve(undefined), { once: true });
  const timer = setTimeout(() => loaded.reject(noCage('it did not load')), FRAME_MS);
  frame.src = url;
  document.body.append(frame);
  try {
    await loaded.promise;
  } finally {
    clearTimeout(timer);
  }
  // Modules of a document have run before its load event.
  const spawn = frame.contentWindow?.shoalSpawn;
  if (spawn === undefined) throw noCage('its script did not run');
  return spawn;
}

async function fetchProgram(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw noCage(`${url} was answered with ${response.status}`);
  // Each frame of a stack names its script: by this, and not by a URL of half a megabyte.
  const code = `${await response.text()}\n//# sourceURL=udf-worker.js`;
  return `data:text/javascript;charset=utf-8,${encodeURIComponent(code)}`;
}

function startWorker({ spawn, program }: Cage): HostedWorker {
  const { port1, port2 } = new MessageChannel();
  const ended = createDeferred<{ readonly reason: string }>();
  const worker = spawn(program, port2);
  let ending: Promise<void> | undefined;
  const end = async (reason: string): Promise<void> => {
    const isClosed = await closesItself(worker);
    worker.terminate();
    if (!isClosed) await passed(FORCED_END_MS);
    port1.close();
    ended.resolve({ reason });
  };
  const terminate = (reason = 'it was ended'): Promise<void> => {
    ending ??= end(reason);
    return ending;
  };
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    void terminate(event.message === '' ? 'it could not start' : event.message);
  });
  return {
    port: {
      postMessage: (message, transfer) => port1.postMessage(message, transfer ?? []),
      addEventListener: (type, listener) => port1.addEventListener(type, listener),
      removeEventListener: (type, listener) => port1.removeEventListener(type, listener),
      start: () => port1.start(),
    },
    ended: ended.promise,
    terminate: () => terminate(),
  };
}

/** Whether the worker's event loop was free: then it has closed itself. */
async function closesItself(worker: Worker): Promise<boolean> {
  const answer = createDeferred<boolean>();
  worker.addEventListener('message', () => answer.resolve(true), { once: true });
  const timer = setTimeout(() => answer.resolve(false), FREE_MS);
  worker.postMessage('free?');
  const isFree = await answer.promise;
  clearTimeout(timer);
  return isFree;
}

function passed(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

function noCage(why: string): MeshError {
  return new MeshError('no-workers', `The frame in which functions run is not there: ${why}. Reload the page.`);
}

function closedError(): MeshError {
  return new MeshError('closed', 'This member has left.');
}
