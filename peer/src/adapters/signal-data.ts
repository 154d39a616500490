// Signals between two ends of a dial, as text: descriptions at once, candidates in small batches behind
// them. What comes from a remote is checked here: simple-peer itself would obey more than these.

import { limits, type Clock } from '@shoal/shared';

export type SignalPart =
  | { readonly type: 'offer' | 'answer'; readonly sdp: string }
  | {
      readonly type: 'candidate';
      readonly candidate: { readonly candidate: string; readonly sdpMid?: string; readonly sdpMLineIndex?: number };
    };

/** Candidates that come within this time go together. */
const BATCH_MS = 20;
const MAX_PARTS = 64;

/** `undefined` for what is no signal. */
export function parseSignalData(text: string): readonly SignalPart[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_PARTS) return undefined;
  const parts: SignalPart[] = [];
  for (const entry of value) {
    const part = parsePart(entry);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return parts;
}

export interface SignalBatch {
  /** What simple-peer wants to tell the other side; what is no signal of ours is left out. */
  add(data: unknown): void;
  stop(): void;
}

export function createSignalBatch(clock: Clock, send: (text: string) => void): SignalBatch {
  let hasDescribed = false;
  let candidates: SignalPart[] = [];
  let stopTimer: (() => void) | undefined;

  const flush = (): void => {
    stopTimer?.();
    stopTimer = undefined;
    const parts = candidates;
    candidates = [];
    for (let first = 0; first < parts.length; first += MAX_PARTS) sendParts(parts.slice(first, first + MAX_PARTS));
  };
  const sendParts = (parts: readonly SignalPart[]): void => {
    const text = JSON.stringify(parts);
    if (text.length <= limits.signalBytes) send(text);
  };

  return {
    add(data) {
      const part = parsePart(data);
      if (part === undefined) return;
      if (part.type !== 'candidate') {
        hasDescribed = true;
        sendParts([part]);
      } else {
        candidates.push(part);
      }
      // A candidate before its description would meet nobody.
      if (hasDescribed && candidates.length > 0) stopTimer ??= clock.setTimer(flush, BATCH_MS);
    },
    stop() {
      stopTimer?.();
      candidates = [];
    },
  };
}

function parsePart(value: unknown): SignalPart | undefined {
  if (!isObject(value)) return undefined;
  const { type, sdp } = value;
  if (type === 'offer' || type === 'answer') return typeof sdp === 'string' ? { type, sdp } : undefined;
  if (type !== 'candidate' || !isObject(value['candidate'])) return undefined;
  const { candidate, sdpMid, sdpMLineIndex } = value['candidate'];
  if (typeof candidate !== 'string') return undefined;
  return {
    type,
    candidate: {
      candidate,
      ...(typeof sdpMid === 'string' ? { sdpMid } : {}),
      ...(typeof sdpMLineIndex === 'number' ? { sdpMLineIndex } : {}),
    },
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
