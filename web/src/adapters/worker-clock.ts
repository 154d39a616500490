// A clock whose timers keep going in a hidden tab, where the browser slows the page's own down to one
// a second and then one a minute: heartbeats would come too late. While the tab is hidden a worker
// ticks, and each tick fires what is due.

import { type Clock, createSystemClock, type StopTimer } from '@shoal/shared';

/** Part of the tick's worker: which page asked, and that it should tick or stop. */
export type TickOrder = { readonly everyMs: number } | { readonly everyMs: undefined };

/** Fine enough for heartbeats of a second, and nothing that a processor notices. */
const TICK_MS = 200;

interface Timer {
  readonly dueMs: number;
  readonly fire: () => void;
  stop: StopTimer;
}

export function createWorkerClock(): Clock {
  const system = createSystemClock();
  const timers = new Set<Timer>();
  const ticker = new Worker(new URL('./tick.worker.ts', import.meta.url), { type: 'module', name: 'shoal-ticks' });

  const finish = (timer: Timer): void => {
    if (!timers.delete(timer)) return;
    timer.stop();
    timer.fire();
  };
  ticker.addEventListener('message', () => {
    const now = system.monotonicMs();
    for (const timer of [...timers].filter(({ dueMs }) => dueMs <= now).sort((a, b) => a.dueMs - b.dueMs))
      finish(timer);
  });
  const order = (): void => {
    const message: TickOrder = { everyMs: document.visibilityState === 'hidden' ? TICK_MS : undefined };
    ticker.postMessage(message);
  };
  document.addEventListener('visibilitychange', order);
  order();

  return {
    monotonicMs: () => system.monotonicMs(),
    wallMs: () => system.wallMs(),
    setTimer: (fire, delayMs) => {
      const timer: Timer = { dueMs: system.monotonicMs() + delayMs, fire, stop: () => undefined };
      timers.add(timer);
      timer.stop = system.setTimer(() => finish(timer), delayMs);
      return () => {
        timers.delete(timer);
        timer.stop();
      };
    },
  };
}
