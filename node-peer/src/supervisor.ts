// Keeps one program running as a process of its own: started again, after a delay that grows, when it
// dies; ended with its parent. What dies before it was ever ready is not started again: its sentence is
// on stderr already, and would only be repeated.
//
//   starting ──ready──▶ running ──exit──▶ waiting ──delay──▶ starting
//      │ exit, never ready yet                                  │ exit, was ready before
//      ▼                                                        ▼
//    failed                                                  waiting

import type { ChildProcess } from 'node:child_process';
import { type Clock, createDeferred, type StopTimer } from '@shoal/shared';

const FIRST_DELAY_MS = 1_000;
const LAST_DELAY_MS = 10_000;
/** Up for so long, the next death counts as a first one. */
const STEADY_MS = 30_000;
/** After SIGTERM; then SIGKILL. */
const END_GRACE_MS = 8_000;

export interface SuperviseOptions {
  readonly start: () => ChildProcess;
  readonly clock: Clock;
  /** It says by IPC that it is ready: at each start. */
  readonly onReady: (message: unknown) => void;
  /** It died, and will be started again in `delayMs`. */
  readonly onDied: (how: string, delayMs: number) => void;
}

export interface Supervised {
  /** Resolves with what it said when it was ready for the first time; rejects if it ended before. */
  readonly ready: Promise<unknown>;
  /** Ends it for good; resolves when it is gone. */
  end(): Promise<void>;
  /** Of the process that runs now. */
  pid(): number | undefined;
}

export function supervise(options: SuperviseOptions): Supervised {
  const { clock } = options;
  const ready = createDeferred<unknown>();
  let wasReady = false;
  let ending = false;
  let delayMs = FIRST_DELAY_MS;
  let child: ChildProcess | undefined;
  let stopTimer: StopTimer | undefined;
  let gone = createDeferred<void>();

  const start = (): void => {
    const started = options.start();
    const startedAtMs = clock.monotonicMs();
    child = started;
    gone = createDeferred<void>();
    started.on('message', (message) => {
      wasReady = true;
      ready.resolve(message);
      options.onReady(message);
    });
    // `error` comes instead of `exit` when it could not be started at all.
    started.once('error', (error) => onGone(`could not be started: ${error.message}`));
    started.once('exit', (code, signal) => {
      if (clock.monotonicMs() - startedAtMs >= STEADY_MS) delayMs = FIRST_DELAY_MS;
      onGone(signal === null ? `ended with code ${code}` : `was ended by ${signal}`);
    });
  };

  const onGone = (how: string): void => {
    if (child === undefined) return;
    child = undefined;
    gone.resolve();
    if (ending) return;
    if (!wasReady) {
      ready.reject(new Error(how));
      return;
    }
    options.onDied(how, delayMs);
    stopTimer = clock.setTimer(start, delayMs);
    delayMs = Math.min(delayMs * 2, LAST_DELAY_MS);
  };

  start();
  return {
    ready: ready.promise,
    pid: () => child?.pid,
    end: async () => {
      ending = true;
      stopTimer?.();
      const running = child;
      if (running === undefined) return;
      running.kill('SIGTERM');
      const stopKill = clock.setTimer(() => running.kill('SIGKILL'), END_GRACE_MS);
      await gone.promise;
      stopKill();
    },
  };
}
