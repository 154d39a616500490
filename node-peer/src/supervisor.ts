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
  const supervisor = new Supervisor(options);
  supervisor.start();
  return {
    ready: supervisor.ready.promise,
    end: () => supervisor.end(),
    pid: () => supervisor.pid(),
  };
}

class Supervisor {
  readonly ready = createDeferred<unknown>();
  readonly #options: SuperviseOptions;
  #wasReady = false;
  #ending = false;
  #delayMs = FIRST_DELAY_MS;
  #startedAtMs = 0;
  #child: ChildProcess | undefined;
  #gone = createDeferred<void>();
  #stopTimer: StopTimer | undefined;

  constructor(options: SuperviseOptions) {
    this.#options = options;
  }

  start(): void {
    const child = this.#options.start();
    this.#child = child;
    this.#gone = createDeferred<void>();
    this.#startedAtMs = this.#options.clock.monotonicMs();
    child.on('message', (message) => {
      if (isDrained(message)) {
        this.#ending = true;
        return;
      }
      this.#wasReady = true;
      this.ready.resolve(message);
      this.#options.onReady(message);
    });
    // `error` comes instead of `exit` when it could not be started at all.
    child.once('error', (error) => this.#onGone(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      this.#onGone(signal === null ? `ended with code ${code}` : `was ended by ${signal}`),
    );
  }

  pid(): number | undefined {
    return this.#child?.pid;
  }

  async end(): Promise<void> {
    this.#ending = true;
    this.#stopTimer?.();
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGTERM');
    const stopKill = this.#options.clock.setTimer(() => child.kill('SIGKILL'), END_GRACE_MS);
    await this.#gone.promise;
    stopKill();
  }

  #onGone(how: string): void {
    if (this.#child === undefined) return;
    this.#child = undefined;
    this.#gone.resolve();
    if (this.#ending) return;
    if (!this.#wasReady) {
      this.ready.reject(new Error(how));
      return;
    }
    const { clock, onDied } = this.#options;
    if (clock.monotonicMs() - this.#startedAtMs >= STEADY_MS) this.#delayMs = FIRST_DELAY_MS;
    onDied(how, this.#delayMs);
    this.#stopTimer = clock.setTimer(() => this.start(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, LAST_DELAY_MS);
  }
}

/** It left because it was told to. */
function isDrained(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'drained';
}
