// Chunks as Arrow IPC streams of one record batch. This file brings Arrow along (53 KB): reach it by
// `loadChunkCodec`, not by a plain import.

import {
  Bool,
  DataType,
  Field,
  Float64,
  Int64,
  makeData,
  Precision,
  RecordBatch,
  RecordBatchReader,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMillisecond,
  TimeUnit,
  Utf8,
  type Data,
} from 'apache-arrow';
import { MeshError, unreachable } from '@shoal/shared';
import { checkArrowStream } from './arrow-guard.ts';
import { jsonFitter } from './cell-values.ts';
import type { Chunk, ChunkCodec } from './chunk.ts';
import { type ColumnBuffers, createColumnBuilder } from './column-builder.ts';
import { type ColumnMemory, createValueReader } from './column-reader.ts';
import type { Column, ColumnType, Row } from './column.ts';
import { inferResultColumns } from './result-columns.ts';
import { createRowMaker } from './row-maker.ts';

/** Metadata of a Utf8 field whose texts are JSON. */
const TYPE_KEY = 'shoal.type';
const JSON_METADATA: ReadonlyMap<string, string> = new Map([[TYPE_KEY, 'json']]);

export const arrowChunkCodec: ChunkCodec = {
  decode(bytes) {
    try {
      return decodeChunk(bytes);
    } catch (cause) {
      if (cause instanceof MeshError) throw cause;
      throw new MeshError('bad-value', `A chunk of ${bytes.length} bytes is no Arrow stream.`, { cause });
    }
  },
  encode(columns, rows) {
    return encodeChunk(
      columns.map((column) => column.name),
      columns.map((column) => buildColumn(column, rows)),
      rows.length,
    );
  },
  inferColumns: inferResultColumns,
};

/** A chunk of columns that are built already, as the load does. */
export function encodeChunk(names: readonly string[], columns: readonly ColumnBuffers[], rowCount: number): Uint8Array {
  const fields = columns.map(
    ({ type }, index) =>
      new Field(names[index] ?? '', arrowType(type), true, type === 'json' ? new Map(JSON_METADATA) : undefined),
  );
  const schema = new Schema(fields);
  const children = columns.map(arrowData);
  const batch = new RecordBatch(
    schema,
    makeData({ type: new Struct(fields), length: rowCount, nullCount: 0, children }),
  );
  const bytes = RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true);
  // To be transferred, and to begin at a multiple of 8: its own buffer.
  return bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

function buildColumn(column: Column, rows: readonly Row[]): ColumnBuffers {
  const builder = createColumnBuilder(column.type);
  const fit = jsonFitter(column.type);
  for (const row of rows) builder.add(Object.hasOwn(row, column.name) ? (fit(row[column.name]) ?? null) : null);
  return builder.take();
}

function arrowType(type: ColumnType): DataType {
  switch (type) {
    case 'bool':
      return new Bool();
    case 'int':
      return new Int64();
    case 'float':
      return new Float64();
    case 'timestamp':
      return new TimestampMillisecond('UTC');
    case 'string':
    case 'json':
      return new Utf8();
    default:
      return unreachable(type);
  }
}

function arrowData(column: ColumnBuffers): Data {
  const { type, length, nullCount, validity, values, offsets } = column;
  const common = { length, nullCount, nullBitmap: nullCount === 0 ? null : validity };
  switch (type) {
    case 'bool':
      return makeData({ ...common, type: new Bool(), data: values });
    case 'int':
      return makeData({ ...common, type: new Int64(), data: new BigInt64Array(values.buffer) });
    case 'float':
      return makeData({ ...common, type: new Float64(), data: new Float64Array(values.buffer) });
    case 'timestamp':
      return makeData({ ...common, type: new TimestampMillisecond('UTC'), data: new BigInt64Array(values.buffer) });
    case 'string':
    case 'json':
      return makeData({ ...common, type: new Utf8(), data: values, valueOffsets: offsets ?? new Int32Array(1) });
    default:
      return unreachable(type);
  }
}

function decodeChunk(given: Uint8Array): Chunk {
  // Arrow would copy each column by itself, in silence.
  const bytes = given.byteOffset % 8 === 0 ? given : given.slice();
  checkArrowStream(bytes);
  const reader = RecordBatchReader.from(bytes);
  const batches = [...reader];
  const [batch] = batches;
  if (batches.length > 1 || batch === undefined)
    throw new MeshError('bad-value', `A chunk is one record batch, not ${batches.length}.`);
  const columns = batch.schema.fields.map((field) => ({ name: String(field.name), type: columnType(field) }));
  const readers = columns.map(({ type }, index) =>
    createValueReader(columnMemory(type, batch.data.children[index], batch.numRows)),
  );
  return {
    rowCount: batch.numRows,
    columns,
    row: createRowMaker(
      columns.map(({ name }) => name),
      readers,
    ),
  };
}

function columnType(field: Field): ColumnType {
  const { type } = field;
  // What is read has the general classes (Int with a width), not those that make it (Int64).
  if (DataType.isBool(type)) return 'bool';
  if (DataType.isInt(type) && type.bitWidth === 64 && type.isSigned) return 'int';
  if (DataType.isFloat(type) && type.precision === Precision.DOUBLE) return 'float';
  if (DataType.isTimestamp(type) && type.unit === TimeUnit.MILLISECOND) return 'timestamp';
  if (DataType.isUtf8(type)) return field.metadata.get(TYPE_KEY) === 'json' ? 'json' : 'string';
  throw new MeshError('bad-value', `The column "${String(field.name)}" is ${String(type)}, which Shoal does not read.`);
}

function columnMemory(type: ColumnType, data: Data | undefined, length: number): ColumnMemory {
  if (data === undefined || data.length < length)
    throw new MeshError('bad-value', 'A column of the chunk is shorter than the chunk.');
  const values: unknown = data.values;
  const { offset, nullCount, nullBitmap } = data;
  return {
    type,
    length,
    start: offset,
    validity: nullCount === 0 ? undefined : nullBitmap,
    words:
      values instanceof BigInt64Array
        ? new Int32Array(values.buffer, values.byteOffset, values.length * 2)
        : values instanceof Int32Array
          ? values
          : undefined,
    floats: values instanceof Float64Array ? values : undefined,
    bytes: values instanceof Uint8Array ? values : undefined,
    offsets: data.valueOffsets,
  };
}
