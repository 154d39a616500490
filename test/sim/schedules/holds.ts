// Messages that a schedule keeps on their way: between two members by the kind of their frame, between a
// member and the registrar by the name of the request, note or event (`propose answered`: the answer to one).

import { decodeFrame, type Frame, type PeerId } from '@shoal/shared';
import type { Channel, Transport } from '@shoal/peer';
import type { SimProcess } from '../sim-process.ts';

export interface Message {
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  /** A frame, or what the registrar was sent or sends. */
  readonly content: unknown;
}

export interface Hold {
  /** What it holds. */
  readonly messages: readonly Message[];
  /** All that it holds arrives now, in order; nothing more is held. */
  release(): void;
  /** What it holds never arrives; nothing more is held. */
  lose(): void;
}

/** Which messages; any kind if none is named. */
export interface HoldRule {
  readonly from: string;
  readonly to: string;
  readonly kinds?: readonly string[];
  readonly only?: ((message: Message) => boolean) | undefined;
  /** They arrive as well, and `release` delivers them a second time. */
  readonly twice?: boolean;
}

export interface Holds {
  hold(rule: HoldRule): Hold;
  /** `arrive` now, or when the message is released. */
  pass(message: Message, arrive: () => void): void;
  readonly isEmpty: boolean;
}

export function createHolds(): Holds {
  const open = new Set<{ readonly rule: HoldRule; readonly held: { message: Message; arrive: () => void }[] }>();
  return {
    get isEmpty() {
      return open.size === 0;
    },
    hold(rule) {
      const entry = { rule, held: [] as { message: Message; arrive: () => void }[] };
      open.add(entry);
      return {
        get messages() {
          return entry.held.map(({ message }) => message);
        },
        release() {
          open.delete(entry);
          for (const { arrive } of entry.held.splice(0)) arrive();
        },
        lose() {
          open.delete(entry);
          entry.held.length = 0;
        },
      };
    },
    pass(message, arrive) {
      for (const { rule, held } of open) {
        if (!isMeant(rule, message)) continue;
        held.push({ message, arrive });
        if (rule.twice !== true) return;
      }
      arrive();
    },
  };
}

function isMeant({ from, to, kinds, only }: HoldRule, message: Message): boolean {
  if (message.from !== from || message.to !== to) return false;
  return (kinds?.includes(message.kind) ?? true) && (only?.(message) ?? true);
}

interface HeldTransport {
  readonly inner: Transport;
  readonly holds: Holds;
  readonly process: SimProcess;
  /** The machine. */
  readonly name: string;
  readonly nameOf: (member: PeerId) => string;
}

/** Holds what arrives: it was sent, so it comes although its sender is dead or cut off by then, while the channel is open at this end. */
export function holdTransport(parts: HeldTransport): Transport {
  const { inner } = parts;
  return {
    dial: async (remote, options) => holdChannel(parts, await inner.dial(remote, options)),
    onChannel: (accept) => inner.onChannel((channel) => accept(holdChannel(parts, channel))),
    close: () => inner.close(),
  };
}

function holdChannel({ holds, process, name, nameOf }: HeldTransport, channel: Channel): Channel {
  return {
    remote: channel.remote,
    maxMessageBytes: channel.maxMessageBytes,
    get bufferedBytes() {
      return channel.bufferedBytes;
    },
    send: (message) => channel.send(message),
    ready: (options) => channel.ready(options),
    onClose: (closed) => channel.onClose(closed),
    close: (reason) => channel.close(reason),
    onMessage(receive) {
      let isListening = true;
      let isDirect = true;
      const stop = channel.onMessage((bytes) => {
        const frame = holds.isEmpty ? undefined : frameOf(bytes);
        if (frame === undefined) return receive(bytes);
        isDirect = true;
        holds.pass({ from: nameOf(channel.remote), to: name, kind: frame.kind, content: frame }, () => {
          if (isDirect) receive(bytes);
          else process.deliver('held message', () => isListening && receive(bytes));
        });
        isDirect = false;
      });
      return () => {
        isListening = false;
        stop();
      };
    },
  };
}

const FRAGMENT_HEAD_BYTES = 16;
const WHOLE = 3;

/** Of a message that is a whole frame. */
function frameOf(message: Uint8Array): Frame | undefined {
  const decoded = message[1] === WHOLE ? decodeFrame(message.slice(FRAGMENT_HEAD_BYTES)) : undefined;
  return decoded !== undefined && 'ok' in decoded ? decoded.ok : undefined;
}
