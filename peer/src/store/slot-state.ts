// What one slot is on this member, as a pure machine: what happened in, what is to be done out. The
// driver (`slot.ts`) carries out the effects and reports back; all waiting and all bytes are its matter.
//
//            begin            row names this process, old epoch + 1
//    none ─────────▶ learner ───────────────────────────────────────┐
//     │ ▲ ▲ ◀─ end, link, row ─┘                                      ▼
//     │ │ └──────────────── row names somebody else ──────────── serving ◀─┐
//     │ └──────────────────────────────┐                          │  ▲      │ refused, unequal
//     │ row names this process         │                    ready │  │      │ given up
//     └──────────▶ settling ───────────┼──── loaded, settled ─────┼──┘      │
//                                      └───────────────────── sealed ───────┘
//                                     row names the target
//
// One copy of each slot: backups and take-overs come with replication, and their states beside these.

import type { Configuration, Version } from '@shoal/shared';
import type {
  HandOff,
  LearnerState,
  NoneState,
  RowMeaning,
  SealedState,
  ServingState,
  SettlingState,
  SlotEffect,
  SlotEvent,
  SlotState,
  SlotStep,
} from './slot-events.ts';

export const NO_SLOT: NoneState = { role: 'none' };

/** The version that `accept` gave. */
export function versionOf(state: ServingState | SealedState): Version {
  return { epoch: state.epoch, counter: state.counter };
}

/** `state` and no effects for an event that means nothing in it. */
export function stepSlot(state: SlotState, event: SlotEvent): SlotStep {
  switch (state.role) {
    case 'none':
      return stepNone(state, event);
    case 'learner':
      return stepLearner(state, event);
    case 'settling':
      return stepSettling(state, event);
    case 'serving':
      return stepServing(state, event);
    case 'sealed':
      return stepSealed(state, event);
  }
}

function stay(state: SlotState): SlotStep {
  return { state, effects: [] };
}

function startLoading(row: Configuration, meaning: RowMeaning, before: readonly SlotEffect[] = []): SlotStep {
  const state: SettlingState = {
    role: 'settling',
    epoch: row.epoch,
    revived: !row.settled,
    step: 'loading',
    counter: 0,
  };
  return { state, effects: [...before, { kind: 'load', emptied: meaning === 'mine-emptied' }] };
}

function isMine(meaning: RowMeaning): boolean {
  return meaning === 'mine' || meaning === 'mine-emptied';
}

function stepNone(state: NoneState, event: SlotEvent): SlotStep {
  if (event.kind === 'row' && isMine(event.meaning)) return startLoading(event.row, event.meaning);
  if (event.kind === 'row' && event.meaning !== 'replaced') return { state, effects: [{ kind: 'tidy' }] };
  if (event.kind === 'begin') return learn(event.epoch, event.handOff);
  return stay(state);
}

function learn(epoch: number, handOff: HandOff, before: readonly SlotEffect[] = []): SlotStep {
  return { state: { role: 'learner', epoch, ...handOff }, effects: [...before, { kind: 'learn', handOff }] };
}

function stepLearner(state: LearnerState, event: SlotEvent): SlotStep {
  const stop: SlotEffect = { kind: 'stop-learning' };
  switch (event.kind) {
    case 'row': {
      const { row, meaning } = event;
      if (meaning === 'mine' && row.settled && row.epoch === state.epoch + 1) {
        // The owner proposed this only after equal digests, with nothing open: all of it is here.
        return {
          state: { role: 'serving', epoch: row.epoch, counter: 0, open: 0 },
          effects: [{ kind: 'activate', learned: true }],
        };
      }
      return isMine(meaning) ? startLoading(row, meaning, [stop]) : { state: NO_SLOT, effects: [stop] };
    }
    case 'begin':
      return learn(event.epoch, event.handOff, [stop]);
    case 'unlearn':
      return event.number === state.number ? { state: NO_SLOT, effects: [stop] } : stay(state);
    case 'close':
      return { state: NO_SLOT, effects: [stop] };
    default:
      return stay(state);
  }
}

function stepSettling(state: SettlingState, event: SlotEvent): SlotStep {
  switch (event.kind) {
    case 'row': {
      const { row, meaning } = event;
      if (!isMine(meaning)) return lose(meaning, false);
      if (meaning === 'mine-emptied') return startLoading(row, meaning);
      if (state.step === 'proposing' && row.settled && row.epoch <= state.epoch + 1)
        return activate(row.epoch, state.counter);
      if (state.step === 'proposing') return startLoading(row, meaning);
      return stay({ ...state, epoch: row.epoch, revived: !row.settled });
    }
    case 'loaded':
      if (state.step !== 'loading') return stay(state);
      if (!state.revived) return activate(state.epoch, event.counter);
      return { state: { ...state, step: 'proposing', counter: event.counter }, effects: [{ kind: 'propose-settled' }] };
    case 'settled':
      if (state.step !== 'proposing') return stay(state);
      return event.written ? activate(state.epoch, state.counter) : { state, effects: [{ kind: 'propose-settled' }] };
    case 'close':
      return { state: NO_SLOT, effects: [{ kind: 'deactivate', records: 'keep' }] };
    default:
      return stay(state);
  }
}

function activate(epoch: number, counter: number): SlotStep {
  return { state: { role: 'serving', epoch, counter, open: 0 }, effects: [{ kind: 'activate', learned: false }] };
}

function lose(meaning: RowMeaning, handedOver: boolean, ended: readonly SlotEffect[] = []): SlotStep {
  // Records go only when their new owner has them by a hand-over of this process itself.
  const records = meaning === 'replaced' ? 'keep' : handedOver && meaning === 'others' ? 'discard' : 'aside';
  return { state: NO_SLOT, effects: [...ended, { kind: 'deactivate', records }] };
}

function endOf(handOff: HandOff | undefined): readonly SlotEffect[] {
  return handOff === undefined ? [] : [{ kind: 'end', handOff }];
}

function withoutHandOff(state: ServingState | SealedState): ServingState {
  return { role: 'serving', epoch: state.epoch, counter: state.counter, open: state.open };
}

function stepServing(state: ServingState, event: SlotEvent): SlotStep {
  switch (event.kind) {
    case 'row':
      return ownedRow(state, event.row, event.meaning);
    case 'accept':
      return stay({ ...state, counter: state.counter + 1, open: state.open + 1 });
    case 'ended':
      return stay({ ...state, open: state.open - 1 });
    case 'offer':
      if (state.handOff !== undefined) return stay(state);
      return { state: { ...state, handOff: event.handOff }, effects: [{ kind: 'begin', handOff: event.handOff }] };
    case 'ready':
      return state.handOff?.number === event.number ? seal(state, state.handOff) : stay(state);
    case 'give-up':
      if (state.handOff?.number !== event.number) return stay(state);
      return { state: withoutHandOff(state), effects: endOf(state.handOff) };
    case 'close':
      return closing(state);
    default:
      return stay(state);
  }
}

/** Owner again: goes on after one epoch; has missed one if it is more, and settles. */
function ownedRow(state: ServingState | SealedState, row: Configuration, meaning: RowMeaning): SlotStep {
  const ended = endOf(state.handOff);
  if (!isMine(meaning)) {
    const handedOver = state.role === 'sealed' && state.step === 'proposing' && state.handOff?.to === row.owner;
    return lose(meaning, handedOver, handedOver ? [] : ended);
  }
  if (meaning === 'mine-emptied' || row.epoch > state.epoch + 1) {
    return startLoading(row, meaning, [...ended, { kind: 'deactivate', records: 'keep' }]);
  }
  // The row that says `settled` has the epoch of before.
  if (row.epoch === state.epoch) return stay(state);
  if (state.role === 'sealed' && state.step === 'closing') return stay({ ...state, epoch: row.epoch });
  const next: ServingState = { ...withoutHandOff(state), epoch: row.epoch };
  return { state: next, effects: state.role === 'sealed' ? [...ended, { kind: 'unseal' }] : ended };
}

function seal(state: ServingState, handOff: HandOff): SlotStep {
  const sealed: SealedState = { ...state, role: 'sealed', handOff, step: 'draining' };
  return checkIfDrained(sealed, [{ kind: 'seal' }]);
}

function checkIfDrained(state: SealedState, before: readonly SlotEffect[] = []): SlotStep {
  if (state.step !== 'draining' || state.open > 0 || state.handOff === undefined) return { state, effects: before };
  return { state: { ...state, step: 'checking' }, effects: [...before, { kind: 'check', handOff: state.handOff }] };
}

function closing(state: ServingState | SealedState): SlotStep {
  const { epoch, counter, open } = state;
  return {
    state: { role: 'sealed', epoch, counter, open, step: 'closing' },
    effects: [...endOf(state.handOff), { kind: 'seal' }],
  };
}

function stepSealed(state: SealedState, event: SlotEvent): SlotStep {
  switch (event.kind) {
    case 'row':
      return ownedRow(state, event.row, event.meaning);
    case 'ended':
      return checkIfDrained({ ...state, open: state.open - 1 });
    case 'report': {
      if (state.step !== 'checking' || state.handOff?.number !== event.number) return stay(state);
      if (!event.equal) return unseal(state);
      return {
        state: { ...state, step: 'proposing' },
        effects: [{ kind: 'propose-hand-over', handOff: state.handOff }],
      };
    }
    case 'hand-over-refused':
      return state.step === 'proposing' && state.handOff?.number === event.number ? unseal(state) : stay(state);
    case 'give-up':
      // A proposal that is out may be written: it is kept to until its outcome is known.
      return state.handOff?.number === event.number && state.step !== 'proposing' ? unseal(state) : stay(state);
    case 'close':
      // With a proposal out somebody else may own it in a moment: sealed is all there is to do.
      return state.step === 'proposing' || state.step === 'closing' ? stay(state) : closing(state);
    default:
      return stay(state);
  }
}

function unseal(state: SealedState): SlotStep {
  return { state: withoutHandOff(state), effects: [...endOf(state.handOff), { kind: 'unseal' }] };
}
