// Whether a request about a slot is served now, waits, or is sent to where the slot is (rules 9, 10, 17).

import {
  MeshError,
  NO_PAYLOAD,
  slotOfKey,
  type Configuration,
  type Key,
  type MeshErrorCode,
  type MeshErrorWire,
  type Slot,
  type Version,
} from '@shoal/shared';
import type { StoreAnswer } from './range-store.ts';
import type { SlotCell, StoreContext } from './store-context.ts';

export type Admission =
  | { readonly kind: 'serve' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'answer'; readonly answer: StoreAnswer };

/** `epoch`: the slot's as the asker knows it, 0 if it knows none. */
export function admit(context: StoreContext, cell: SlotCell, epoch: number): Admission {
  if (context.isClosed()) throw new MeshError('closed', 'This member has left the mesh.');
  const { row } = cell;
  if (row === undefined) {
    return {
      kind: 'answer',
      answer: refusal('no-registrar', `This member does not know yet who holds slot ${cell.slot}; try again.`),
    };
  }
  if (epoch > row.epoch) return { kind: 'wait' };
  if (epoch !== 0 && epoch < row.epoch) return { kind: 'answer', answer: moved(row) };
  switch (cell.state.role) {
    case 'serving':
      return { kind: context.mayAnswer(cell) ? 'serve' : 'wait' };
    case 'settling':
    case 'sealed':
      return { kind: 'wait' };
    case 'none':
    case 'learner':
    case 'backup':
      // A row that names an older process of this member: the registrar will revive the slot here.
      return row.owner === context.deps.self ? { kind: 'wait' } : { kind: 'answer', answer: moved(row) };
  }
}

export function moved(row: Configuration): StoreAnswer {
  return { result: { kind: 'moved', row }, payload: NO_PAYLOAD };
}

export function refusal(code: MeshErrorCode, message: string, version?: Version): StoreAnswer {
  return refuseWith({ code, message }, version);
}

export function refuseWith(error: MeshErrorWire, version?: Version): StoreAnswer {
  return { result: { kind: 'refused', error, ...(version === undefined ? {} : { version }) }, payload: NO_PAYLOAD };
}

/** A large value is not read, or let go, while there is no room to send it. */
export function noRoomToSend(): StoreAnswer {
  return refusal('busy', 'More waits to be sent to this asker than there is room for; ask again.');
}

/** The refusal of a frame whose key is not of its slot. */
export function wrongSlot(slot: Slot, keys: readonly Key[], slotCount: number): StoreAnswer | undefined {
  if (slot >= slotCount) return refusal('bad-frame', `Slot ${slot} is not one of the ${slotCount} of this mesh.`);
  const key = keys.find((each) => slotOfKey(each, slotCount) !== slot);
  return key === undefined ? undefined : refusal('bad-frame', `The key "${key}" is not of slot ${slot}.`);
}
