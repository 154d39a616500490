// A member whose links are held to a rate: real data channels, and before each a bucket of tokens through which
// its messages go. What waits in it counts as the channel's own buffer, so that the member paces itself as it
// does on a slow line. Delay, loss and what lies between two routers are not imitated.

import type { Channel, Mesh, Transport } from '@shoal/peer';
import { createPeer, createSimplePeerTransport, createSocketIoRendezvous } from '@shoal/peer';
import { createSystemClock, createSystemRandom, limits, silentLogger } from '@shoal/shared';
import { openLevelStorage } from '../../../node-peer/src/adapters/level-storage.ts';
import { endingRtc, loadRtc } from '../../../node-peer/src/adapters/rtc.ts';
import { createThreadWorkerHost } from '../../../node-peer/src/adapters/thread-worker-host.ts';

export interface ShapedOptions {
  readonly url: string;
  readonly name: string;
  readonly dataDir: string;
  readonly workers: number;
}

export async function joinShaped(options: ShapedOptions, bytesPerSecond: number): Promise<Mesh> {
  const [clock, random, logger] = [createSystemClock(), createSystemRandom(), silentLogger];
  return createPeer(
    {
      storage: await openLevelStorage(options.dataDir),
      workerHost: createThreadWorkerHost(),
      clock,
      random,
      logger,
      rendezvous: createSocketIoRendezvous({ url: options.url, mesh: 'main' }),
      createTransport: (context) =>
        endingRtc(
          shape(createSimplePeerTransport({ ...context, rtc: loadRtc(), clock, random, logger }), bytesPerSecond),
        ),
    },
    {
      mesh: 'main',
      name: options.name,
      kind: 'node',
      workers: options.workers,
      domain: options.name,
      ephemeral: false,
    },
  );
}

function shape(transport: Transport, bytesPerSecond: number): Transport {
  return {
    dial: async (remote, options) => shapeChannel(await transport.dial(remote, options), bytesPerSecond),
    onChannel: (accept) => transport.onChannel((channel) => accept(shapeChannel(channel, bytesPerSecond))),
    close: () => transport.close(),
  };
}

/** The bucket fills by this step, and holds no more than one step and one message. */
const STEP_MS = 5;

export function shapeChannel(inner: Channel, bytesPerSecond: number): Channel {
  const waiting: Uint8Array[] = [];
  const roomy = new Set<() => void>();
  let waitingBytes = 0;
  let tokens = 0;
  let filledAt = performance.now();
  let timer: NodeJS.Timeout | undefined;

  const pour = (): void => {
    timer = undefined;
    const now = performance.now();
    tokens = Math.min(tokens + ((now - filledAt) * bytesPerSecond) / 1000, (4 * STEP_MS * bytesPerSecond) / 1000);
    filledAt = now;
    for (let next = waiting[0]; next !== undefined && tokens > 0; next = waiting[0]) {
      // A message larger than the bucket goes on credit, and the next waits for it.
      tokens -= next.byteLength;
      waitingBytes -= next.byteLength;
      waiting.shift();
      inner.send(next);
    }
    if (buffered() <= limits.channelLowBytes) wake();
    if (waiting.length > 0) timer ??= setTimeout(pour, STEP_MS);
  };
  const wake = (): void => {
    for (const resolve of roomy) resolve();
    roomy.clear();
  };
  const buffered = (): number => waitingBytes + inner.bufferedBytes;
  inner.onClose(() => {
    clearTimeout(timer);
    waiting.length = 0;
    waitingBytes = 0;
    wake();
  });

  return {
    remote: inner.remote,
    maxMessageBytes: inner.maxMessageBytes,
    get bufferedBytes() {
      return buffered();
    },
    send(message) {
      waiting.push(message);
      waitingBytes += message.byteLength;
      if (timer === undefined) pour();
      return buffered() < limits.channelHighBytes;
    },
    async ready(options) {
      if (buffered() < limits.channelHighBytes) return;
      await new Promise<void>((resolve, reject) => {
        roomy.add(resolve);
        options?.signal?.addEventListener('abort', () => reject(options.signal?.reason), { once: true });
      });
    },
    onMessage: (receive) => inner.onMessage(receive),
    onClose: (closed) => inner.onClose(closed),
    close: (reason) => inner.close(reason),
  };
}
