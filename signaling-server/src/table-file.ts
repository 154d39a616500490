// The file of a mesh as bytes: a head of JSON (mesh id, term, table epoch, members), the rows, and a
// checksum over both. Written whole each time, so a file is the table of one instant or no table.

import { createHash } from 'node:crypto';
import {
  decodeRows,
  encodeRows,
  MeshError,
  parseIncarnation,
  parseMeshId,
  parsePeerId,
  type TableEpoch,
} from '@shoal/shared';
import type { MemberRecord, Roster } from './roster.ts';
import type { Table } from './table.ts';

const MAGIC = 'SHOALTBL';
const FORM = 1;
const PREFIX_BYTES = MAGIC.length + 8;
const CHECKSUM_BYTES = 32;

export interface TableFile {
  readonly table: Table;
  /** Without commands; states as they were. */
  readonly roster: Roster;
}

export function encodeTableFile({ table, roster }: TableFile): Uint8Array {
  const { meshId, term, epoch, slotCount, terms } = table;
  const members = [...roster.values()].filter(({ entry }) => entry.kind !== 'command');
  const head = Buffer.from(JSON.stringify({ meshId, term, epoch, slotCount, terms, members }), 'utf8');
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, 'latin1');
  prefix.writeUInt32LE(FORM, MAGIC.length);
  prefix.writeUInt32LE(head.length, MAGIC.length + 4);
  const body = Buffer.concat([prefix, head, encodeRows(table.rows)]);
  return Buffer.concat([body, checksum(body)]);
}

/** The file's content; throws `stale-table` for bytes that are no whole file. */
export function decodeTableFile(mesh: string, bytes: Uint8Array): TableFile {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bodyBytes = file.length - CHECKSUM_BYTES;
  if (bodyBytes < PREFIX_BYTES || file.toString('latin1', 0, MAGIC.length) !== MAGIC) throw damaged(mesh);
  if (!checksum(file.subarray(0, bodyBytes)).equals(file.subarray(bodyBytes))) throw damaged(mesh);
  if (file.readUInt32LE(MAGIC.length) !== FORM) {
    throw new MeshError(
      'stale-table',
      `The table file of mesh ${mesh} was written by a newer release; start that one.`,
    );
  }
  const headEnd = PREFIX_BYTES + file.readUInt32LE(MAGIC.length + 4);
  const head: unknown = JSON.parse(file.toString('utf8', PREFIX_BYTES, headEnd));
  const rows = decodeRows(new Uint8Array(file.subarray(headEnd, bodyBytes)));
  if (!isHead(head) || rows === undefined) throw damaged(mesh);
  const { meshId, term, epoch, slotCount, terms, members } = head;
  return {
    table: { meshId, term, epoch, slotCount, terms, rows },
    roster: new Map(members.map((record) => [record.entry.id, record])),
  };
}

type Head = Omit<Table, 'rows'> & { readonly members: readonly MemberRecord[] };

/** The checksum stands for what this program wrote; the form is still looked at, once, here. */
function isHead(value: unknown): value is Head {
  if (typeof value !== 'object' || value === null) return false;
  const head = value as Partial<Head>;
  return (
    parseMeshId(head.meshId) !== undefined &&
    [head.term, head.epoch, head.slotCount].every((part) => Number.isSafeInteger(part)) &&
    Array.isArray(head.terms) &&
    head.terms.every(
      (start: Partial<TableEpoch>) => Number.isSafeInteger(start.term) && Number.isSafeInteger(start.epoch),
    ) &&
    Array.isArray(head.members) &&
    head.members.every(
      (record: Partial<MemberRecord>) =>
        parsePeerId(record.entry?.id) !== undefined &&
        parseIncarnation(record.entry?.incarnation) !== undefined &&
        Array.isArray(record.retired),
    )
  );
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function damaged(mesh: string): MeshError {
  return new MeshError(
    'stale-table',
    `The table file of mesh ${mesh} is damaged: put its newest copy in its place, or move it away to begin an empty mesh.`,
  );
}
