// Frames to bytes and back. A value's bytes never pass through an encoder: they are copied once into
// the frame, behind a small head, and read as a view. (Layout: PROTOCOL.md.)

import { Decoder, Encoder } from '@msgpack/msgpack';
import * as v from 'valibot';
import { frameKindOf, FRAME_KIND_NUMBERS, hasPayload } from './frame-kinds.ts';
import { frameSchemas } from './frame-schemas.ts';
import { NO_PAYLOAD, type Frame, type FrameKind } from './frame.ts';
import { scanHead } from './head-scan.ts';
import { limits } from './limits.ts';
import { MeshError, type MeshErrorWire } from './mesh-error.ts';
import { PROTOCOL_VERSION, SPOKEN_VERSIONS } from './protocol-version.ts';
import { alignedTo8, packedBytes } from './record-codec.ts';

/** The fixed header before each head. */
export const FRAME_HEADER_BYTES = 16;

const encoder = new Encoder({ ignoreUndefined: true, maxDepth: 100 });
const decoder = new Decoder();

export type DecodedFrame = { readonly ok: Frame } | { readonly error: MeshErrorWire };

/** The frame whole: fixed header, head, padding, payload at a multiple of 8. Throws `bad-frame` over a limit (ours to prevent). */
export function encodeFrame(frame: Frame): Uint8Array {
  const { kind, ...rest } = frame;
  const { payload = NO_PAYLOAD, ...fields } = 'payload' in rest ? rest : { ...rest, payload: undefined };
  const head = encodeHead(kind, fields);
  const complaint = payloadComplaint(frame, payload.length);
  if (complaint !== undefined) throw new MeshError('bad-frame', complaint);
  const payloadStart = alignedTo8(FRAME_HEADER_BYTES + head.length);
  if (payloadStart + payload.length > limits.frameBytes) {
    throw new MeshError(
      'bad-frame',
      `A ${kind} frame of ${payloadStart + payload.length} bytes is over ${limits.frameBytes}.`,
    );
  }
  const bytes = new Uint8Array(payloadStart + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, PROTOCOL_VERSION);
  view.setUint8(1, FRAME_KIND_NUMBERS[kind]);
  view.setUint32(4, head.length);
  view.setUint32(8, payload.length);
  bytes.set(head, FRAME_HEADER_BYTES);
  bytes.set(payload, payloadStart);
  return bytes;
}

/** The head's bytes: good until the next call. */
function encodeHead(kind: FrameKind, fields: object): Uint8Array {
  let head: Uint8Array;
  try {
    head = encoder.encodeSharedRef(fields);
  } catch (error) {
    throw new MeshError('bad-frame', `The head of a ${kind} frame can't be encoded: ${String(error)}.`, {
      cause: error,
    });
  }
  if (head.length <= limits.frameHeadBytes) return head;
  throw new MeshError(
    'bad-frame',
    `The head of a ${kind} frame has ${head.length} bytes; a head has at most ${limits.frameHeadBytes}.`,
  );
}

/** Never throws. The payload is a view on `bytes`, at a multiple of 8 from its start. */
export function decodeFrame(bytes: Uint8Array): DecodedFrame {
  if (bytes.length < FRAME_HEADER_BYTES) return refused(`A frame of ${bytes.length} bytes is shorter than its header.`);
  if (bytes.length > limits.frameBytes)
    return refused(`A frame of ${bytes.length} bytes is over ${limits.frameBytes}.`);
  const header = new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEADER_BYTES);
  const version = header.getUint8(0);
  if (!SPOKEN_VERSIONS.includes(version)) return badVersion(version);
  const kind = frameKindOf(header.getUint8(1));
  if (kind === undefined) return refused(`There is no frame kind ${header.getUint8(1)}.`);
  if (header.getUint16(2) !== 0 || header.getUint32(12) !== 0)
    return refused(`The header of a ${kind} frame is damaged.`);
  const headLength = header.getUint32(4);
  const payloadLength = header.getUint32(8);
  if (headLength > limits.frameHeadBytes) return refused(`The head of a ${kind} frame says ${headLength} bytes.`);
  const headEnd = FRAME_HEADER_BYTES + headLength;
  const payloadStart = alignedTo8(headEnd);
  if (payloadStart + payloadLength !== bytes.length) {
    return refused(`A ${kind} frame says ${payloadStart + payloadLength} bytes and has ${bytes.length}.`);
  }
  const payload = payloadLength === 0 ? NO_PAYLOAD : bytes.subarray(payloadStart);
  return decodeHead(kind, bytes.subarray(FRAME_HEADER_BYTES, headEnd), payload);
}

function decodeHead(kind: FrameKind, head: Uint8Array, payload: Uint8Array): DecodedFrame {
  let value: unknown;
  const damage = scanHead(head);
  if (damage !== undefined) return refused(`The head of a ${kind} frame ${damage}.`);
  try {
    value = decoder.decode(head);
  } catch {
    return refused(`The head of a ${kind} frame is no MessagePack.`);
  }
  const parsed = v.safeParse<v.GenericSchema<unknown, object>>(frameSchemas[kind], value, { abortEarly: true });
  if (!parsed.success) return refused(headSentence(kind, parsed.issues[0]));
  const frame = frameOf(kind, parsed.output, payload);
  const complaint = payloadComplaint(frame, payload.length);
  return complaint === undefined ? { ok: frame } : refused(complaint);
}

/** The one place where a checked head becomes a frame. */
function frameOf(kind: FrameKind, head: object, payload: Uint8Array): Frame {
  return (hasPayload(kind) ? { kind, ...head, payload } : { kind, ...head }) as Frame;
}

/** What is wrong with a payload of this length for this frame; `undefined` if nothing is. */
function payloadComplaint(frame: Frame, length: number): string | undefined {
  const wanted = payloadBytes(frame);
  if (wanted === 'any' || wanted === length) return undefined;
  if (typeof wanted === 'object') {
    return length <= wanted.most ? undefined : `A ${frame.kind} frame has ${length} bytes where ${wanted.most} fit.`;
  }
  return `The payload of a ${frame.kind} frame has ${length} bytes where its head says ${wanted}.`;
}

function payloadBytes(frame: Frame): number | 'any' | { readonly most: number } {
  switch (frame.kind) {
    case 'put':
      return packedBytes(frame.writes.map((write) => write.sizeBytes));
    case 'replicate':
    case 'settle-records':
    case 'records':
      return packedBytes(frame.records.map((record) => record.head.sizeBytes));
    case 'data':
      return frame.result.kind === 'value' ? { most: frame.result.sizeBytes } : 0;
    case 'blob':
      return 'any';
    case 'forward':
    case 'forwarded':
      return { most: limits.fragmentBytes };
    default:
      return 0;
  }
}

function headSentence(kind: FrameKind, issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return `The head of a ${kind} frame is wrong${path === null ? '' : ` at ${path.slice(0, 80)}`}: ${issue.message.slice(0, 200)}.`;
}

function refused(message: string): { readonly error: MeshErrorWire } {
  return { error: { code: 'bad-frame', message } };
}

function badVersion(version: number): { readonly error: MeshErrorWire } {
  const spoken = SPOKEN_VERSIONS.join(', ');
  return {
    error: { code: 'bad-version', message: `A frame of protocol version ${version}; this release speaks ${spoken}.` },
  };
}
