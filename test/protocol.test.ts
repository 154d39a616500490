// PROTOCOL.md says what the code does: its vectors, numbers of kinds, fields, codes and limits are compared.

import { readFileSync } from 'node:fs';
import { limits, MESH_ERROR_CODES, PROTOCOL_VERSION } from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import { FRAME_KIND_NUMBERS, hasPayload } from '../shared/src/frame-kinds.ts';
import { frameSchemas } from '../shared/src/frame-schemas.ts';
import type { FrameKind } from '../shared/src/index.ts';
import vectors from './vectors/frames.json' with { type: 'json' };

const text = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8');
const limitsByName: Readonly<Record<string, number>> = limits;

/** Rows of the tables of one section, as cells without backticks. */
function rowsOf(section: string): readonly (readonly string[])[] {
  const start = text.indexOf(`\n## ${section}`);
  const end = text.indexOf('\n## ', start + 1);
  const lines = text.slice(start, end < 0 ? undefined : end).split('\n');
  return lines
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** What each quoted block says: its meaning, and its bytes as hex. */
const quotes = [...text.matchAll(/```vector\n([^`]*)```/g)].flatMap(([, block = '']) =>
  block
    .split(/^# /m)
    .filter((part) => part !== '')
    .map((part) => {
      const [meaning = '', ...lines] = part.split('\n');
      return { meaning, lines: lines.filter((line) => line !== '') };
    }),
);

describe('PROTOCOL.md', () => {
  test('is of this protocol version, with a line of its history', () => {
    expect(text).toMatch(new RegExp(`^# The protocol of Shoal, version ${PROTOCOL_VERSION}\n`));
    expect(rowsOf('9. History').map(([version]) => version)).toContain(String(PROTOCOL_VERSION));
  });

  test('quotes vectors as they are', () => {
    const { messages, abort, meaning } = vectors.fragments;
    const known = new Map<string, string>([
      ...[...vectors.frames, ...vectors.refused, ...vectors.rows, ...vectors.recordHeads].map(
        (vector): [string, string] => [vector.meaning, vector.hex],
      ),
      [meaning, messages.join('')],
      ['Stream 7 is given up.', abort],
    ]);

    expect(quotes.length).toBeGreaterThan(8);
    for (const { meaning: quoted, lines } of quotes)
      expect([quoted, lines.join('')]).toEqual([quoted, known.get(quoted)]);
  });

  test('names the slots of keys', () => {
    const told = rowsOf('1. Words')
      .filter((row) => row.length === 4)
      .slice(1);
    const known = vectors.slots.map(({ key, hash, slot4096, slot16 }) =>
      [key.length > 60 ? 'x repeated 512 times' : key, hash, slot4096, slot16].map((cell) => String(cell)),
    );

    expect(told.map(([key = '', ...rest]) => [key.replaceAll('`', ''), ...rest])).toEqual(known);
  });

  test('lists every kind with its number, its fields and whether it has a payload', () => {
    const kinds = rowsOf('4. Kinds').slice(1);

    expect(Object.fromEntries(kinds.map(([kind, number]) => [kind, Number(number)]))).toEqual(FRAME_KIND_NUMBERS);
    for (const [kind, , head = '', payload] of kinds) {
      const schema = frameSchemas[kind as FrameKind] as unknown as {
        readonly entries: Readonly<Record<string, unknown>>;
      };
      const common = [
        ...(head.includes('RequestHead') ? ['id', 'ageMs', 'remainingMs', 'forwarded'] : []),
        ...(head.includes('SlotHead') ? ['slot', 'epoch'] : []),
      ];
      for (const field of Object.keys(schema.entries))
        if (!common.includes(field)) expect(head).toMatch(new RegExp(`\`${field}\\??\``));
      expect([kind, payload !== '']).toEqual([kind, hasPayload(kind as FrameKind)]);
    }
  });

  test('lists every error code, and whether trying again may help', () => {
    const told = rowsOf('7. Error codes')
      .slice(1)
      .map(([code = '', again]) => [code.replaceAll('`', ''), again === 'yes']);

    expect(Object.fromEntries(told)).toEqual(MESH_ERROR_CODES);
  });

  test('names limits as they are', () => {
    for (const [name = '', value = ''] of rowsOf('8. Limits').slice(1)) {
      expect([name, Number(value.replaceAll(',', ''))]).toEqual([name, limitsByName[name.replaceAll('`', '')]]);
    }
  });
});
