// Data channels between members, dialled as WebRTC does: an offer and an answer by way of the registrar,
// then the channel, if the paths between the two are whole in both directions.

import { MeshError, shortId } from '@shoal/shared';
import type { Channel, Transport, TransportContext } from '@shoal/peer';
import type { Paths } from './paths.ts';
import { createPipe, type PipeEnd, type SimPipe } from './sim-pipe.ts';
import type { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

export interface SimNetwork {
  transport(process: SimProcess, machine: string, context: TransportContext): Transport;
  /** Loses the channels between two processes, each end hearing of it at its own time. */
  lose(a: SimProcess, b: SimProcess, longestMs: number): void;
  /** All channels of a process. */
  loseAll(process: SimProcess, longestMs: number): void;
  /** Channels that are open at one end at least. */
  channelCount(): number;
}

export interface NetworkOptions {
  readonly world: World;
  readonly paths: Paths;
  /** What travels instead of a message. */
  replace?(from: PipeEnd, message: Uint8Array): Uint8Array;
  onSent(from: PipeEnd, to: PipeEnd, message: Uint8Array): void;
}

interface Endpoint extends PipeEnd {
  readonly machine: string;
  readonly accept: Set<(channel: Channel) => void>;
  readonly channels: Set<Channel>;
  isClosed: boolean;
}

interface Dial {
  readonly far: Endpoint;
}

/** A path that is cut for longer ends what goes over it, as WebRTC's consent does. */
const CONSENT_MS = 15_000;

export function createNetwork(options: NetworkOptions): SimNetwork {
  const { world, paths } = options;
  const draw = world.random('channels');
  const pipes = new Set<SimPipe>();
  const answered = new Map<string, Dial>();
  let dials = 0;

  const open = (near: Endpoint, far: Endpoint): Channel => {
    const there = paths.path(near.machine, far.machine);
    const back = paths.path(far.machine, near.machine);
    const pipe = createPipe({ world, near, far, there, back, replace: options.replace, onSent: options.onSent });
    pipes.add(pipe);
    watch(pipe, () => Math.min(there.cutSinceMs, back.cutSinceMs));
    near.channels.add(pipe.near);
    world.after(draw.between(0, 20), () =>
      far.process.deliver('channel accepted', () => {
        if (far.isClosed) return pipe.lose(1_000, 0);
        far.channels.add(pipe.far);
        for (const accept of far.accept) accept(pipe.far);
      }),
    );
    return pipe.near;
  };

  /** Once a second: a channel over a dead path, or to a dead process, ends. */
  const watch = (pipe: SimPipe, cutSinceMs: () => number): void => {
    world.after(1_000, () => {
      if (pipe.isOver) pipes.delete(pipe);
      else {
        if (world.nowMs() - cutSinceMs() > CONSENT_MS) pipe.lose(draw.between(0, 3_000), draw.between(0, 3_000));
        watch(pipe, cutSinceMs);
      }
    });
  };

  const onOffer = (far: Endpoint, dial: string, answer: () => void): void => {
    if (far.isClosed || far.accept.size === 0) return;
    answered.set(dial, { far });
    answer();
  };

  return {
    transport(process, machine, { self, signals }) {
      const endpoint: Endpoint = {
        member: self,
        process,
        machine,
        accept: new Set(),
        channels: new Set(),
        isClosed: false,
      };
      const waiting = new Map<string, (far: Endpoint) => void>();
      const stopSignals = signals.onSignal(({ from, dial, data }) => {
        if (data === 'offer') return onOffer(endpoint, dial, () => signals.send(from, dial, 'answer'));
        const found = answered.get(dial);
        answered.delete(dial);
        if (found !== undefined) waiting.get(dial)?.(found.far);
      });
      process.onDeath(() => {
        // The other ends hear of it from their kernel, or from nobody but their own heartbeats.
        const toldMs = draw.chance(0.3) ? 50 : 2 * CONSENT_MS;
        for (const pipe of pipes) if (pipe.isOf(process)) pipe.lose(draw.between(0, toldMs), draw.between(0, toldMs));
      });
      return {
        async dial(remote, dialOptions) {
          dials += 1;
          const dial = `d${dials}`;
          signals.send(remote, dial, 'offer');
          const far = await untilAnswered(waiting, dial, dialOptions?.signal);
          const there = paths.path(machine, far.machine);
          const back = paths.path(far.machine, machine);
          // Over a cut path the connection is never made: the dial hangs until it is given up.
          if (there.isCut || back.isCut) await untilAnswered(waiting, dial, dialOptions?.signal);
          if (endpoint.isClosed) throw new MeshError('link-lost', `Member ${shortId(remote)} can't be reached.`);
          return open(endpoint, far);
        },
        onChannel(listener) {
          endpoint.accept.add(listener);
          return () => endpoint.accept.delete(listener);
        },
        close() {
          endpoint.isClosed = true;
          stopSignals();
          for (const channel of endpoint.channels) channel.close('transport closed');
          endpoint.channels.clear();
          return Promise.resolve();
        },
      };
    },
    lose(a, b, longestMs) {
      for (const pipe of pipes) {
        if (pipe.isBetween(a, b)) pipe.lose(draw.between(0, longestMs), draw.between(0, longestMs));
      }
    },
    loseAll(process, longestMs) {
      for (const pipe of pipes) {
        if (pipe.isOf(process)) pipe.lose(draw.between(0, longestMs), draw.between(0, longestMs));
      }
    },
    channelCount: () => [...pipes].filter(({ isOver }) => !isOver).length,
  };
}

function untilAnswered(
  waiting: Map<string, (far: Endpoint) => void>,
  dial: string,
  signal: AbortSignal | undefined,
): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      waiting.delete(dial);
      reject(signal?.reason);
    };
    waiting.set(dial, (far) => {
      waiting.delete(dial);
      signal?.removeEventListener('abort', aborted);
      resolve(far);
    });
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
