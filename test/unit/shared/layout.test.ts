// What travels must not change while the protocol version stays: a hash of every schema, of the kind
// numbers and of the vectors, for each version. If this fails you changed the protocol: raise
// PROTOCOL_VERSION, write its line of history, make new vectors, and add the new hash here.

import * as shared from '@shoal/shared';
import { contentHash, limits, MESH_ERROR_CODES, PROTOCOL_VERSION } from '@shoal/shared';
import { expect, test } from 'vitest';
import { FRAME_KIND_NUMBERS } from '../../../shared/src/frame-kinds.ts';
import { frameSchemas } from '../../../shared/src/frame-schemas.ts';
import vectors from '../../vectors/frames.json' with { type: 'json' };

const LAYOUTS: Readonly<Record<number, string>> = {
  1: '742d1b9b8c544157a697832764f123ea9d467cae1c1b5034f462a2d3531ce500',
};

/** What of a schema says what passes: its names, types and bounds. */
const TOLD = [
  'type',
  'entries',
  'options',
  'item',
  'wrapped',
  'literal',
  'key',
  'value',
  'requirement',
  'message',
  'pipe',
];

/** Limits that a frame or a message of signaling is held to. */
const HELD: readonly (keyof typeof limits)[] = [
  'errorChars',
  'fragmentBytesInitial',
  'fragmentBytesLeast',
  'frameBytes',
  'frameHeadBytes',
  'keyBytes',
  'listedPerFrame',
  'mediaTypeBytes',
  'nameChars',
  'rememberedPerFrame',
  'signalBytes',
  'signalingBytes',
  'valueBytes',
  'writesPerPut',
];

function describeSchema(schema: unknown): unknown {
  if (schema instanceof RegExp) return schema.source;
  if (typeof schema === 'function') return 'function';
  if (Array.isArray(schema)) return schema.map((item) => describeSchema(item));
  if (typeof schema !== 'object' || schema === null) return schema;
  const isSchema = 'kind' in schema && 'type' in schema;
  const parts = Object.entries(schema).filter(([name]) => !isSchema || TOLD.includes(name));
  return Object.fromEntries(
    parts
      .map(([name, part]): [string, unknown] => [name, describeSchema(part)])
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

const signalingSchemas = Object.fromEntries(Object.entries(shared).filter(([name]) => name.endsWith('Schema')));

test('the layout is the one of this protocol version', () => {
  const layout = JSON.stringify({
    kinds: FRAME_KIND_NUMBERS,
    codes: Object.keys(MESH_ERROR_CODES).sort(),
    limits: HELD.map((name) => [name, limits[name]]),
    frames: describeSchema(frameSchemas),
    signaling: describeSchema(signalingSchemas),
    vectors: vectors.frames.map(({ hex }) => hex),
    fragments: vectors.fragments,
    rows: vectors.rows.map(({ hex }) => hex),
    recordHeads: vectors.recordHeads.map(({ hex }) => hex),
  });

  expect(contentHash(new TextEncoder().encode(layout))).toBe(LAYOUTS[PROTOCOL_VERSION]);
});
