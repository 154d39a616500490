// What went wrong in a user's function, from what a worker knows to what a person reads.

import { MeshError } from '@shoal/shared';
import type { UdfFailure } from '../api.ts';
import type { PeerId } from '@shoal/shared';
import { decodeCloneable } from './cloneable-reader.ts';
import type { RuntimeFailure } from './runtime-protocol.ts';
import { columnInSource, type CompiledUdf } from './udf-compile.ts';

export interface FailurePlace {
  readonly fileName: string;
  readonly member: string;
  readonly memberName: string;
}

/** The column in the user's file instead of the compiled one's; none where types shift it beyond telling. */
export function inSource(udf: CompiledUdf, failure: RuntimeFailure): RuntimeFailure {
  const { column, ...rest } = failure;
  if (column === undefined || failure.line === undefined) return rest;
  const shown = columnInSource(udf.source, udf.code, { line: failure.line, column });
  return shown === undefined ? rest : { ...rest, column: shown };
}

export function failureForPeople(failure: RuntimeFailure, place: FailurePlace): UdfFailure {
  const { message, rowNumber, row, line, column, stack } = failure;
  return {
    message,
    // It came as the id of the member that was asked.
    member: place.member as PeerId,
    memberName: place.memberName,
    fileName: place.fileName,
    ...(rowNumber === undefined ? {} : { rowNumber }),
    ...(row === undefined ? {} : { row: decodeCloneable(row) }),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
    ...(stack === undefined ? {} : { stack }),
  };
}

/** `delays.ts, line 3: boom (row 1234, on ada)`, with the `UdfFailure` as detail. */
export function errorOfFailure(failure: RuntimeFailure, place: FailurePlace): MeshError {
  const shown = failureForPeople(failure, place);
  const where = shown.line === undefined ? place.fileName : `${place.fileName}, line ${shown.line}`;
  const row = shown.rowNumber === undefined ? '' : `row ${shown.rowNumber}, `;
  return new MeshError(failure.code, `${where}: ${shown.message} (${row}on ${place.memberName})`, {
    detail: { ...shown },
  });
}
