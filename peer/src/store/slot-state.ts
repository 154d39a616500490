// What one slot is on this member, as a pure machine: what happened in, what is to be done out. The
// driver (`slot.ts`) carries out the effects and reports back; all waiting and all bytes are its matter.
// What an owner that serves does is in `owner-state.ts`.
//
//            begin              row names this process a copy      row names it the owner
//    none ─────────▶ learner ─────────────────────────▶ backup ───────────────────────────┐
//     │ ▲ ▲ ◀─ end, link, row ─┘ │                       │   ▲                             ▼
//     │ │ │                      │ row: its only copy    │   └── row: a backup ───── settling: loading
//     │ │ └── row names others ──┼───────────────────────┘             ▲                   │ loaded
//     │ │                        ▼                                     │ row: two          ▼
//     │ └── row names others ─ serving ◀──────────────┐                │ epochs on    agreeing (with other copies)
//     │                        │  ▲ │  refused, unequal               │                   │ all equal
//     │                  ready │  │ └────────────────┼───────────────┘                   ▼
//     │                        ▼  │ added            │                              proposing (a revived slot)
//     │                       sealed ────────────────┘                                   │ settled
//     │                                                                              serving
//     └── row names this process the owner ──▶ settling
//
// A backup goes back to none when a row does not name it.

import type { Configuration } from '@shoal/shared';
import { lose, ownedRow, stepSealed, stepServing } from './owner-state.ts';
import type {
  BackupState,
  LearnerState,
  NoneState,
  RowMeaning,
  SettlingState,
  SlotEffect,
  SlotEvent,
  SlotState,
  SlotStep,
} from './slot-events.ts';

export { versionOf } from './owner-state.ts';

export const NO_SLOT: NoneState = { role: 'none' };

/** `state` and no effects for an event that means nothing in it. */
export function stepSlot(state: SlotState, event: SlotEvent): SlotStep {
  switch (state.role) {
    case 'none':
      return stepNone(state, event);
    case 'learner':
      return stepLearner(state, event);
    case 'backup':
      return stepBackup(state, event);
    case 'settling':
      return stepSettling(state, event);
    case 'serving':
    case 'sealed':
      if (event.kind === 'row') return rowOfOwner(state, event);
      return state.role === 'serving' ? stepServing(state, event) : stepSealed(state, event);
  }
}

type RowEvent = Extract<SlotEvent, { readonly kind: 'row' }>;

function stay(state: SlotState): SlotStep {
  return { state, effects: [] };
}

function startLoading(row: Configuration, meaning: RowMeaning, before: readonly SlotEffect[] = []): SlotStep {
  const state: SettlingState = {
    role: 'settling',
    epoch: row.epoch,
    revived: !row.settled,
    alone: row.copies.length === 1,
    step: 'loading',
    counter: 0,
  };
  return { state, effects: [...before, { kind: 'load', emptied: meaning === 'mine-emptied' }] };
}

function back(row: Configuration, known: boolean, before: readonly SlotEffect[] = []): SlotStep {
  return {
    state: { role: 'backup', epoch: row.epoch, resigned: false },
    effects: [...before, { kind: 'back', known }],
  };
}

function isMine(meaning: RowMeaning): boolean {
  return meaning === 'mine' || meaning === 'mine-emptied';
}

function stepNone(state: NoneState, event: SlotEvent): SlotStep {
  if (event.kind === 'begin') return learn(event);
  if (event.kind !== 'row' || event.meaning === 'replaced') return stay(state);
  if (isMine(event.meaning)) return startLoading(event.row, event.meaning);
  // It was proposed with all that counts: a link that broke meanwhile took nothing away.
  if (event.meaning === 'backup') return back(event.row, false);
  return { state, effects: [{ kind: 'tidy' }] };
}

function learn(
  { epoch, handOff }: Extract<SlotEvent, { readonly kind: 'begin' }>,
  before: readonly SlotEffect[] = [],
): SlotStep {
  return { state: { role: 'learner', epoch, ...handOff }, effects: [...before, { kind: 'learn' }] };
}

function stepLearner(state: LearnerState, event: SlotEvent): SlotStep {
  const stop: SlotEffect = { kind: 'stop-learning' };
  switch (event.kind) {
    case 'row': {
      const { row, meaning } = event;
      // The row of before, settled now: its owner has begun to serve, and to teach.
      if (row.epoch === state.epoch) return stay(state);
      if (row.settled && row.epoch === state.epoch + 1) {
        // The owner proposed this only after equal digests, with nothing open: all of it is here.
        if (meaning === 'backup') return back(row, true);
        if (meaning === 'mine' && row.copies.length === 1) {
          return {
            state: { role: 'serving', epoch: row.epoch, counter: 0, open: 0 },
            effects: [{ kind: 'activate', learned: true }],
          };
        }
      }
      if (meaning === 'backup') return back(row, false, [stop]);
      if (isMine(meaning)) return startLoading(row, meaning, [stop]);
      // Nothing that was proposed before can be written any more: what was learned is nobody's.
      return { state: NO_SLOT, effects: meaning === 'replaced' ? [stop] : [stop, { kind: 'tidy' }] };
    }
    case 'begin':
      return learn(event, [stop]);
    case 'unlearn':
      return event.number === state.number ? { state: NO_SLOT, effects: [stop] } : stay(state);
    case 'close':
      return { state: NO_SLOT, effects: [stop] };
    default:
      return stay(state);
  }
}

function stepBackup(state: BackupState, event: SlotEvent): SlotStep {
  switch (event.kind) {
    case 'row': {
      const { row, meaning } = event;
      if (isMine(meaning)) return startLoading(row, meaning);
      if (meaning === 'backup') return stay({ ...state, epoch: row.epoch });
      if (meaning === 'others') return { state: NO_SLOT, effects: [{ kind: 'stop-backing' }, { kind: 'tidy' }] };
      const records = meaning === 'others-emptied' ? 'aside' : 'keep';
      return { state: NO_SLOT, effects: [{ kind: 'stop-backing' }, { kind: 'deactivate', records }] };
    }
    case 'failed':
      return state.resigned ? stay(state) : { state: { ...state, resigned: true }, effects: [{ kind: 'resign' }] };
    default:
      return stay(state);
  }
}

function stepSettling(state: SettlingState, event: SlotEvent): SlotStep {
  switch (event.kind) {
    case 'row':
      return rowOfSettling(state, event);
    case 'loaded':
      if (state.step !== 'loading') return stay(state);
      return agreeOr({ ...state, counter: event.counter });
    case 'agreed':
      if (state.step !== 'agreeing' || event.epoch !== state.epoch) return stay(state);
      return finish(state);
    case 'settled':
      if (state.step !== 'proposing') return stay(state);
      return event.written ? activate(state.epoch, state.counter) : { state, effects: [{ kind: 'propose-settled' }] };
    case 'close':
      return { state: NO_SLOT, effects: [{ kind: 'deactivate', records: 'keep' }] };
    default:
      return stay(state);
  }
}

function rowOfSettling(state: SettlingState, { row, meaning }: RowEvent): SlotStep {
  const alone = row.copies.length === 1;
  if (meaning === 'backup') return back(row, false);
  if (!isMine(meaning)) return lose(meaning, false);
  if (meaning === 'mine-emptied') return startLoading(row, meaning);
  if (state.step === 'proposing') {
    const isSame = row.epoch === state.epoch || (alone && row.epoch === state.epoch + 1);
    return row.settled && isSame ? activate(row.epoch, state.counter) : startLoading(row, meaning);
  }
  const next: SettlingState = { ...state, epoch: row.epoch, revived: !row.settled, alone };
  if (state.step === 'loading' || row.epoch === state.epoch) return stay(next);
  // Others may have dropped out: the copies that are left take the new epoch.
  return agreeOr(next);
}

function agreeOr(state: SettlingState): SlotStep {
  if (state.alone) return finish(state);
  return { state: { ...state, step: 'agreeing' }, effects: [{ kind: 'agree' }] };
}

function finish(state: SettlingState): SlotStep {
  if (!state.revived) return activate(state.epoch, state.counter);
  return { state: { ...state, step: 'proposing' }, effects: [{ kind: 'propose-settled' }] };
}

function activate(epoch: number, counter: number): SlotStep {
  return { state: { role: 'serving', epoch, counter, open: 0 }, effects: [{ kind: 'activate', learned: false }] };
}

function rowOfOwner(state: Parameters<typeof ownedRow>[0], { row, meaning }: RowEvent): SlotStep {
  const step = ownedRow(state, row, meaning);
  if (step.kind === 'goes-on') return step.step;
  if (step.kind === 'backs') return back(row, state.open === 0, step.effects);
  return startLoading(row, meaning, step.effects);
}
