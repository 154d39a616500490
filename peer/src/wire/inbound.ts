// The receiving half of one link: messages to frames that are joined, decoded and checked, once and here.
// Past it every value has a type and a bound. What is damaged becomes a code and a count, never a throw.

import { createFragmentJoiner, decodeFrame, limits } from '@shoal/shared';
import type { Frame, MeshErrorWire } from '@shoal/shared';

/** Reported to the sender in steps: large enough to cost nothing, small against its least window. */
const CREDIT_STEP_BYTES = 64 * 1024;

export interface Inbound {
  push(message: Uint8Array): void;
  readonly receivedBytes: number;
  /** Messages and frames that were none. */
  readonly damaged: number;
}

export interface InboundDeps {
  readonly onFrame: (frame: Frame) => void;
  readonly onDamage: (error: MeshErrorWire) => void;
  /** So many more bytes were taken: the sender is to be told. */
  readonly onTaken: (bytes: number) => void;
}

export function createInbound({ onFrame, onDamage, onTaken }: InboundDeps): Inbound {
  const joiner = createFragmentJoiner({
    frameBytes: limits.frameBytes,
    openStreams: limits.framesJoining,
    heldBytes: limits.joiningBytes,
  });
  let receivedBytes = 0;
  let untoldBytes = 0;
  let damaged = 0;

  const damage = (error: MeshErrorWire): void => {
    damaged += 1;
    onDamage(error);
  };

  const take = (message: Uint8Array): void => {
    const joined = joiner.push(message);
    if ('error' in joined) return damage(joined.error);
    if (joined.frame === undefined) return;
    const decoded = decodeFrame(joined.frame);
    if ('error' in decoded) damage(decoded.error);
    else onFrame(decoded.ok);
  };

  return {
    push(message) {
      receivedBytes += message.byteLength;
      take(message);
      untoldBytes += message.byteLength;
      if (untoldBytes < CREDIT_STEP_BYTES) return;
      const bytes = untoldBytes;
      untoldBytes = 0;
      onTaken(bytes);
    },
    get receivedBytes() {
      return receivedBytes;
    },
    get damaged() {
      return damaged;
    },
  };
}
