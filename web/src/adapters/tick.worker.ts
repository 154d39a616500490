// Ticks for a hidden page: a worker's timers are not slowed down.

import type { TickOrder } from './worker-clock.ts';

let timer: number | undefined;

globalThis.addEventListener('message', (event: MessageEvent<TickOrder>) => {
  globalThis.clearInterval(timer);
  timer = undefined;
  if (event.data.everyMs !== undefined)
    timer = globalThis.setInterval(() => globalThis.postMessage('tick'), event.data.everyMs);
});
