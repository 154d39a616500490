// Looks over an Arrow stream's metadata before Arrow does: a count that is damaged, or lies, makes Arrow
// build objects for minutes. Only what our chunks have is let through: flat columns, one batch.
// The layout is Arrow's columnar format, "Encapsulated message format", and FlatBuffers' tables and vectors.

import { MeshError } from '@shoal/shared';

const CONTINUATION = 0xffff_ffff;
/** Places in FlatBuffers' vtables, in the order of Arrow's schema files. */
const MESSAGE = { headerType: 6, header: 8, bodyLength: 10 } as const;
const SCHEMA = { fields: 6, metadata: 8, features: 10 } as const;
const FIELD = { dictionary: 12, children: 14, metadata: 16 } as const;
const BATCH = { length: 4, nodes: 6, buffers: 8, compression: 10, variadicCounts: 12 } as const;
const HEADER_SCHEMA = 1;
const HEADER_BATCH = 3;
const STRUCT_BYTES = 16;
/** Of one field or schema: ours has one at most. */
const METADATA_MOST = 64;
/** Rows of a batch without columns, which take no bytes. */
const BARE_ROWS_MOST = 2 ** 24;

/** Throws `bad-value`, or a `RangeError` where metadata points outside of the bytes. */
export function checkArrowStream(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let columns = 0;
  for (let at = 0, messages = 0; at < bytes.length; messages += 1) {
    if (view.getUint32(at, true) !== CONTINUATION) refuse('a message does not begin as one');
    const metadataBytes = view.getInt32(at + 4, true);
    if (metadataBytes === 0) return;
    const start = at + 8;
    if (metadataBytes < 0 || start + metadataBytes > bytes.length) refuse('metadata is longer than the chunk');
    const message = tableAt(view, start);
    const type = field(view, message, MESSAGE.headerType);
    const header = subtable(view, message, MESSAGE.header);
    const bodyBytes = int64(view, field(view, message, MESSAGE.bodyLength));
    if (bodyBytes < 0 || start + metadataBytes + bodyBytes > bytes.length) refuse('a body is longer than the chunk');
    const kind = type === undefined ? 0 : view.getUint8(type);
    if (kind === HEADER_SCHEMA && messages === 0) columns = checkSchema(view, header);
    else if (kind === HEADER_BATCH && messages === 1) checkBatch(view, header, columns);
    else refuse('it is not one schema and one batch');
    at = start + metadataBytes + bodyBytes;
  }
}

function checkSchema(view: DataView, schema: number): number {
  const { length, start } = vector(view, schema, SCHEMA.fields);
  if (start + length * 4 > view.byteLength) refuse('it has more columns than bytes');
  if (vector(view, schema, SCHEMA.metadata).length > METADATA_MOST || vector(view, schema, SCHEMA.features).length > 0)
    refuse('its schema is none of ours');
  for (let index = 0; index < length; index += 1) {
    const at = start + index * 4;
    const column = at + view.getUint32(at, true);
    const isFlat =
      vector(view, column, FIELD.children).length === 0 && field(view, column, FIELD.dictionary) === undefined;
    if (!isFlat || vector(view, column, FIELD.metadata).length > METADATA_MOST)
      refuse(`column ${index} is none of ours`);
  }
  return length;
}

function checkBatch(view: DataView, batch: number, columns: number): void {
  const rows = int64(view, field(view, batch, BATCH.length));
  const nodes = vector(view, batch, BATCH.nodes);
  const buffers = vector(view, batch, BATCH.buffers);
  if (rows < 0 || rows > (columns === 0 ? BARE_ROWS_MOST : view.byteLength * 8)) refuse('it has more rows than bits');
  if (nodes.length !== columns || buffers.length > columns * 3) refuse('its batch does not fit its schema');
  if (field(view, batch, BATCH.compression) !== undefined || vector(view, batch, BATCH.variadicCounts).length > 0)
    refuse('its batch is none of ours');
  for (let index = 0; index < columns; index += 1) {
    const node = nodes.start + index * STRUCT_BYTES;
    const nulls = int64(view, node + 8);
    if (int64(view, node) !== rows || nulls < 0 || nulls > rows) refuse(`column ${index} is not as long as the batch`);
  }
  for (let index = 0; index < buffers.length; index += 1) {
    const buffer = buffers.start + index * STRUCT_BYTES;
    const [offset, length] = [int64(view, buffer), int64(view, buffer + 8)];
    if (offset < 0 || length < 0 || offset + length > view.byteLength) refuse('a buffer lies outside of the chunk');
  }
}

function refuse(why: string): never {
  throw new MeshError('bad-value', `These bytes are no chunk: ${why}.`);
}

function tableAt(view: DataView, at: number): number {
  return at + view.getUint32(at, true);
}

/** Where a table's field is; `undefined` if it is left out. */
function field(view: DataView, table: number, place: number): number | undefined {
  const vtable = table - view.getInt32(table, true);
  if (place >= view.getUint16(vtable, true)) return undefined;
  const offset = view.getUint16(vtable + place, true);
  return offset === 0 ? undefined : table + offset;
}

function subtable(view: DataView, table: number, place: number): number {
  const at = field(view, table, place);
  return at === undefined ? refuse('a message is empty') : tableAt(view, at);
}

function vector(view: DataView, table: number, place: number): { readonly length: number; readonly start: number } {
  const at = field(view, table, place);
  if (at === undefined) return { length: 0, start: 0 };
  const start = tableAt(view, at);
  return { length: view.getUint32(start, true), start: start + 4 };
}

function int64(view: DataView, at: number | undefined): number {
  return at === undefined ? 0 : Number(view.getBigInt64(at, true));
}
