// An owner that serves, or has sealed its slot: what happens to it and what it does (pure; the rest of the
// machine is in `slot-state.ts`). It goes on over one change of the configuration, and starts anew over two.

import type { Configuration, Version } from '@shoal/shared';
import type { HandOff, RowMeaning, SealedState, ServingState, SlotEffect, SlotEvent, SlotStep } from './slot-events.ts';

type Owner = ServingState | SealedState;

/** The version that `accept` gave. */
export function versionOf(state: Owner): Version {
  return { epoch: state.epoch, counter: state.counter };
}

/** What a row makes of an owner; `backs` and `starts-anew` are entered after these effects. */
export type OwnedRow =
  | { readonly kind: 'goes-on'; readonly step: SlotStep }
  | { readonly kind: 'backs' | 'starts-anew'; readonly effects: readonly SlotEffect[] };

export function ownedRow(state: Owner, row: Configuration, meaning: RowMeaning): OwnedRow {
  const { handOff } = state;
  const isProposing = state.role === 'sealed' ? state.step === 'proposing' : state.adding === true;
  const ended = endOf(handOff);
  if (meaning === 'backup') return { kind: 'backs', effects: ended };
  if (meaning !== 'mine' && meaning !== 'mine-emptied') {
    const handedOver = isProposing && handOff?.purpose === 'move' && handOff.to === row.owner;
    return { kind: 'goes-on', step: lose(meaning, handedOver, handedOver ? [] : ended) };
  }
  // S17: an owner that has missed an epoch is a new one, and its open writes are nobody's.
  if (meaning === 'mine-emptied' || row.epoch > state.epoch + 1)
    return { kind: 'starts-anew', effects: [...ended, { kind: 'deactivate', records: 'keep' }] };
  // The row that says `settled` has the epoch of before.
  if (row.epoch === state.epoch) return { kind: 'goes-on', step: stay(state) };
  const resend: SlotEffect = { kind: 'resend' };
  const isAdded =
    handOff?.purpose === 'add' &&
    row.copies.some(({ member, incarnation }) => member === handOff.to && incarnation === handOff.incarnation);
  const effects: readonly SlotEffect[] = isAdded ? [{ kind: 'added', handOff }] : ended;
  if (state.role === 'sealed' && state.step === 'closing') {
    const closed: SealedState = { ...withoutHandOff(state), role: 'sealed', epoch: row.epoch, step: 'closing' };
    return { kind: 'goes-on', step: { state: closed, effects: [...effects, resend] } };
  }
  const next: ServingState = { ...withoutHandOff(state), epoch: row.epoch };
  const unsealed: readonly SlotEffect[] = state.role === 'sealed' ? [{ kind: 'unseal' }] : [];
  return { kind: 'goes-on', step: { state: next, effects: [...effects, resend, ...unsealed] } };
}

export function lose(meaning: RowMeaning, handedOver: boolean, ended: readonly SlotEffect[] = []): SlotStep {
  // Records go only when their new owner has them by a hand-over of this process itself, or by the row of a whole slot.
  const records = meaning === 'others' && handedOver ? 'discard' : meaning === 'others-emptied' ? 'aside' : 'keep';
  const tidy: readonly SlotEffect[] = meaning === 'others' && !handedOver ? [{ kind: 'tidy' }] : [];
  return { state: { role: 'none' }, effects: [...ended, { kind: 'deactivate', records }, ...tidy] };
}

export function stepServing(state: ServingState, event: SlotEvent): SlotStep {
  switch (event.kind) {
    case 'accept':
      return stay({ ...state, counter: state.counter + 1, open: state.open + 1 });
    case 'ended':
      return compareWhenQuiet({ ...state, open: state.open - 1 });
    case 'offer':
      return state.handOff === undefined ? offer(state, event.handOff) : stay(state);
    case 'ready':
    case 'overdue':
    case 'report':
      return stepComparing(state, event);
    case 'refused':
      if (state.handOff?.number !== event.number) return stay(state);
      return { state: withoutHandOff(state), effects: endOf(state.handOff) };
    case 'give-up':
      // A proposal that is out may be written: it is kept to until its outcome is known.
      if (state.handOff?.number !== event.number || state.adding === true) return stay(state);
      return { state: withoutHandOff(state), effects: endOf(state.handOff) };
    case 'failed':
      return event.to === undefined ? stay(state) : resign(state, event.to);
    case 'close':
      return closing(state);
    default:
      return stay(state);
  }
}

export function stepSealed(state: SealedState, event: SlotEvent): SlotStep {
  if (state.step === 'closing') return stepClosing(state, event);
  switch (event.kind) {
    case 'ended':
      return goOnWhenDrained({ ...state, open: state.open - 1 });
    case 'report':
      if (state.step !== 'checking' || state.handOff?.number !== event.number) return stay(state);
      return event.equal ? proposeFor(state, state.handOff) : unseal(state);
    case 'refused':
    case 'give-up': {
      // What is proposed ends by its outcome alone, and what is not by being given up.
      const isMeant = (event.kind === 'refused') === (state.step === 'proposing');
      return isMeant && state.handOff?.number === event.number ? unseal(state) : stay(state);
    }
    case 'failed':
      return state.step !== 'proposing' && event.to !== undefined ? resign(state, event.to) : stay(state);
    case 'close':
      // With a proposal out somebody else may own it in a moment: sealed is all there is to do.
      return state.step === 'proposing' ? stay(state) : closing(state);
    default:
      return stay(state);
  }
}

/** This member ends. */
function stepClosing(state: SealedState, event: SlotEvent): SlotStep {
  if (event.kind === 'ended') return stay({ ...state, open: state.open - 1 });
  if (event.kind !== 'refused' || state.handOff?.number !== event.number) return stay(state);
  return { state: { ...withoutHandOff(state), role: 'sealed', step: 'closing' }, effects: endOf(state.handOff) };
}

function stay(state: Owner): SlotStep {
  return { state, effects: [] };
}

function endOf(handOff: HandOff | undefined): readonly SlotEffect[] {
  return handOff === undefined ? [] : [{ kind: 'end', handOff }];
}

function withoutHandOff(state: Owner): ServingState {
  return { role: 'serving', epoch: state.epoch, counter: state.counter, open: state.open };
}

function offer(state: ServingState, handOff: HandOff): SlotStep {
  // A backup has all there is: it is only asked whether it could serve at once.
  const kind = handOff.purpose === 'give' ? 'check' : 'begin';
  return { state: { ...state, handOff }, effects: [{ kind, handOff }] };
}

type ComparingEvent = Extract<SlotEvent, { readonly kind: 'ready' | 'overdue' | 'report' }>;

/** Nobody waits while digests are compared, unless a second passes without a quiet instant (rule 26). */
function stepComparing(state: ServingState, event: ComparingEvent): SlotStep {
  const { comparing, handOff } = state;
  if (handOff?.number !== event.number || state.adding === true) return stay(state);
  if (handOff.purpose === 'give') return stepGiving(state, handOff, event);
  if (event.kind === 'ready') {
    if (comparing !== undefined) return stay(state);
    return compareWhenQuiet({ ...state, comparing: { askedAt: undefined, isOverdue: false } });
  }
  if (comparing === undefined) return stay(state);
  if (event.kind === 'overdue') {
    if (comparing.askedAt === undefined) return seal(state, handOff);
    return stay({ ...state, comparing: { ...comparing, isOverdue: true } });
  }
  if (comparing.askedAt === undefined) return stay(state);
  if (event.equal && state.open === 0) return proposeFor(state, handOff);
  // Nothing was written meanwhile: they are not equal at all.
  if (comparing.askedAt === state.counter) return { state: withoutHandOff(state), effects: endOf(handOff) };
  if (comparing.isOverdue) return seal(state, handOff);
  return compareWhenQuiet({ ...state, comparing: { ...comparing, askedAt: undefined } });
}

/** Sealed for a backup that can't answer, the slot would stand still until it could. */
function stepGiving(state: ServingState, handOff: HandOff, event: ComparingEvent): SlotStep {
  if (event.kind !== 'report') return stay(state);
  return event.equal ? seal(state, handOff) : { state: withoutHandOff(state), effects: endOf(handOff) };
}

function compareWhenQuiet(state: ServingState): SlotStep {
  const { comparing, handOff, counter, open } = state;
  const isDue = comparing !== undefined && comparing.askedAt === undefined && open === 0;
  if (!isDue || handOff === undefined) return stay(state);
  return { state: { ...state, comparing: { ...comparing, askedAt: counter } }, effects: [{ kind: 'check', handOff }] };
}

function seal(state: ServingState, handOff: HandOff): SlotStep {
  return goOnWhenDrained({ ...withoutHandOff(state), role: 'sealed', handOff, step: 'draining' }, [{ kind: 'seal' }]);
}

function goOnWhenDrained(state: SealedState, before: readonly SlotEffect[] = []): SlotStep {
  const { handOff } = state;
  if (state.step !== 'draining' || state.open > 0 || handOff === undefined) return { state, effects: before };
  if (handOff.purpose === 'give') return proposeFor(state, handOff, before);
  return { state: { ...state, step: 'checking' }, effects: [...before, { kind: 'check', handOff }] };
}

function proposeFor(state: Owner, handOff: HandOff, before: readonly SlotEffect[] = []): SlotStep {
  const isSealed = state.role === 'sealed';
  if (handOff.purpose === 'add') {
    const unsealed: readonly SlotEffect[] = isSealed ? [{ kind: 'unseal' }] : [];
    return {
      state: { ...withoutHandOff(state), handOff, adding: true },
      effects: [...before, { kind: 'propose-add', handOff }, ...unsealed],
    };
  }
  const sealed: readonly SlotEffect[] = isSealed ? before : [{ kind: 'seal' }];
  return {
    state: { ...withoutHandOff(state), role: 'sealed', handOff, step: 'proposing' },
    effects: [...sealed, { kind: 'propose-hand-over', handOff }],
  };
}

/** It does not wait for its open writes and never acknowledges them: callers retry at the new owner (rule 16). */
function resign(state: Owner, to: HandOff): SlotStep {
  if (state.role === 'serving' && state.adding === true) return stay(state);
  const { epoch, counter, open } = state;
  return {
    state: { role: 'sealed', epoch, counter, open, handOff: to, step: 'proposing' },
    effects: [...endOf(state.handOff), { kind: 'seal' }, { kind: 'propose-hand-over', handOff: to }],
  };
}

function closing(state: Owner): SlotStep {
  const { epoch, counter, open, handOff } = state;
  // An `add` that is out may be written: what is acknowledged until then must be at the learner too (S52).
  if (state.role === 'serving' && state.adding === true && handOff !== undefined)
    return { state: { role: 'sealed', epoch, counter, open, handOff, step: 'closing' }, effects: [{ kind: 'seal' }] };
  return {
    state: { role: 'sealed', epoch, counter, open, step: 'closing' },
    effects: [...endOf(state.handOff), { kind: 'seal' }],
  };
}

function unseal(state: SealedState): SlotStep {
  return { state: withoutHandOff(state), effects: [...endOf(state.handOff), { kind: 'unseal' }] };
}
