// What an owner's answer means to whoever asked.

import { type DataResult, type Key, MeshError } from '@shoal/shared';
import type { RawValue } from '../ports/values.ts';
import type { StoreAnswer } from '../store/range-store.ts';

/** The owner was at a bound: nothing happened there. */
export function busyError(answer: StoreAnswer | undefined): MeshError | undefined {
  if (answer?.result.kind !== 'refused') return undefined;
  const { error } = answer.result;
  return error.code === 'busy' || error.code === 'no-registrar' ? MeshError.fromWire(error) : undefined;
}

export function rawValue(key: Key, result: DataResult, bytes: Uint8Array): RawValue | undefined {
  switch (result.kind) {
    case 'value': {
      const { mediaType, version, contentNamed } = result;
      return { bytes, mediaType, version, contentNamed };
    }
    case 'absent':
      return undefined;
    default:
      throw refusal(key, result);
  }
}

export function done(key: Key, result: DataResult): { readonly version: RawValue['version']; readonly copies: number } {
  if (result.kind === 'done') return { version: result.version, copies: result.copies };
  throw refusal(key, result);
}

function refusal(key: Key, result: DataResult): MeshError {
  if (result.kind === 'refused') {
    const { code, message, detail } = result.error;
    return new MeshError(code, message, {
      detail: { key, ...detail, ...(result.version === undefined ? {} : { version: result.version }) },
    });
  }
  return new MeshError('bad-frame', `The owner of "${key}" answered "${result.kind}".`, { detail: { key } });
}
