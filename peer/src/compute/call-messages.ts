// What members say to each other about calls of a function, one and many.

import type { MeshErrorWire, UdfId } from '@shoal/shared';
import { bytes, errorWire, fields, list, number, text, udfId } from './message-fields.ts';

export const CALL_SERVICE = 'call';
export const CALLS_SERVICE = 'calls';

export interface CallAsk {
  readonly udf: UdfId;
  readonly fileName: string;
  readonly args: Uint8Array;
  readonly timeoutMs: number;
}

export interface AskedCall {
  /** Its place in the caller's list. */
  readonly index: number;
  readonly args: Uint8Array;
}

/** Calls of one function, in this order, for one worker. */
export interface CallsAsk {
  readonly udf: UdfId;
  readonly fileName: string;
  readonly timeoutMs: number;
  readonly calls: readonly AskedCall[];
}

export interface CallsDone {
  /** Of the first calls; the others were not come to. */
  readonly results: readonly (
    | { readonly kind: 'done'; readonly bytes: Uint8Array }
    | { readonly kind: 'failed'; readonly error: MeshErrorWire }
  )[];
  /** By one of the calls, nobody knows which. */
  readonly isWorkerLost: boolean;
}

export function parseCallAsk(payload: Uint8Array): CallAsk {
  const from = fields(payload);
  return {
    udf: udfId(from['udf']),
    fileName: text(from['fileName']),
    args: bytes(from['args']),
    timeoutMs: number(from['timeoutMs']),
  };
}

export function parseCallsAsk(payload: Uint8Array): CallsAsk {
  const from = fields(payload);
  return {
    udf: udfId(from['udf']),
    fileName: text(from['fileName']),
    timeoutMs: number(from['timeoutMs']),
    calls: list(from['calls'], (item) => ({ index: number(item['index']), args: bytes(item['args']) })),
  };
}

export function parseCallsDone(payload: Uint8Array): CallsDone {
  const from = fields(payload);
  return {
    results: list(from['results'], (item) =>
      item['kind'] === 'done'
        ? { kind: 'done', bytes: bytes(item['bytes']) }
        : { kind: 'failed', error: errorWire(item['error']) },
    ),
    isWorkerLost: from['isWorkerLost'] === true,
  };
}
