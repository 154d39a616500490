import type { Configuration, Incarnation, PeerId, Slot } from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import type { HandOff, SlotEvent, SlotState } from '../../../../peer/src/store/slot-events.ts';
import { stepSlot, versionOf } from '../../../../peer/src/store/slot-state.ts';

const ada = 'a'.repeat(32) as PeerId;
const ben = 'b'.repeat(32) as PeerId;
const cleo = 'c'.repeat(32) as PeerId;
const life = '1'.repeat(16) as Incarnation;
const toBen: HandOff = { to: ben, incarnation: life, number: 3 };

function row(epoch: number, owner = ada, more: Partial<Configuration> = {}): Configuration {
  return {
    slot: 1 as Slot,
    epoch,
    owner,
    copies: [{ member: owner, incarnation: life, durability: 'strict' }],
    dropped: [],
    settled: true,
    emptyBefore: 1,
    ...more,
  };
}

const states = {
  none: { role: 'none' },
  learner: { role: 'learner', epoch: 5, ...toBen },
  loading: { role: 'settling', epoch: 5, revived: false, step: 'loading', counter: 0 },
  reviving: { role: 'settling', epoch: 5, revived: true, step: 'loading', counter: 0 },
  'proposing settled': { role: 'settling', epoch: 5, revived: true, step: 'proposing', counter: 4 },
  serving: { role: 'serving', epoch: 5, counter: 9, open: 0 },
  'handing off': { role: 'serving', epoch: 5, counter: 9, open: 1, handOff: toBen },
  draining: { role: 'sealed', epoch: 5, counter: 9, open: 1, handOff: toBen, step: 'draining' },
  checking: { role: 'sealed', epoch: 5, counter: 9, open: 0, handOff: toBen, step: 'checking' },
  'proposing hand-over': { role: 'sealed', epoch: 5, counter: 9, open: 0, handOff: toBen, step: 'proposing' },
  closing: { role: 'sealed', epoch: 5, counter: 9, open: 1, step: 'closing' },
} as const satisfies Record<string, SlotState>;

const events = {
  'row: mine, next epoch': { kind: 'row', row: row(6), meaning: 'mine' },
  'row: mine, two epochs on': { kind: 'row', row: row(7), meaning: 'mine' },
  'row: mine, same epoch, settled': { kind: 'row', row: row(5), meaning: 'mine' },
  'row: mine, revived': { kind: 'row', row: row(6, ada, { settled: false }), meaning: 'mine' },
  'row: mine, emptied': { kind: 'row', row: row(6, ada, { emptyBefore: 6 }), meaning: 'mine-emptied' },
  'row: the target': { kind: 'row', row: row(6, ben), meaning: 'others' },
  'row: a third': { kind: 'row', row: row(6, cleo), meaning: 'others' },
  'row: others, emptied': { kind: 'row', row: row(6, cleo, { emptyBefore: 6 }), meaning: 'others-emptied' },
  'row: a newer process of this member': { kind: 'row', row: row(6), meaning: 'replaced' },
  loaded: { kind: 'loaded', counter: 4 },
  'settled, written': { kind: 'settled', written: true },
  'settled, refused': { kind: 'settled', written: false },
  accept: { kind: 'accept' },
  ended: { kind: 'ended' },
  offer: { kind: 'offer', handOff: toBen },
  ready: { kind: 'ready', number: 3 },
  'ready of another number': { kind: 'ready', number: 2 },
  'report, equal': { kind: 'report', number: 3, equal: true },
  'report, unequal': { kind: 'report', number: 3, equal: false },
  'report of another number': { kind: 'report', number: 2, equal: true },
  'hand-over refused': { kind: 'hand-over-refused', number: 3 },
  'give up': { kind: 'give-up', number: 3 },
  'give up another number': { kind: 'give-up', number: 2 },
  begin: { kind: 'begin', epoch: 5, handOff: { to: ben, incarnation: life, number: 8 } },
  unlearn: { kind: 'unlearn', number: 3 },
  'unlearn another number': { kind: 'unlearn', number: 2 },
  close: { kind: 'close' },
} as const satisfies Record<string, SlotEvent>;

type StateName = keyof typeof states;
type EventName = keyof typeof events;

/** `=`: nothing changes. Else the state's short form, then its effects. */
const table: Record<StateName, Record<EventName, string>> = {
  none: {
    'row: mine, next epoch': 'settling loading e6 → load',
    'row: mine, two epochs on': 'settling loading e7 → load',
    'row: mine, same epoch, settled': 'settling loading e5 → load',
    'row: mine, revived': 'settling loading e6 revived → load',
    'row: mine, emptied': 'settling loading e6 → load emptied',
    'row: the target': 'none → tidy',
    'row: a third': 'none → tidy',
    'row: others, emptied': 'none → tidy',
    'row: a newer process of this member': '=',
    loaded: '=',
    'settled, written': '=',
    'settled, refused': '=',
    accept: '=',
    ended: '=',
    offer: '=',
    ready: '=',
    'ready of another number': '=',
    'report, equal': '=',
    'report, unequal': '=',
    'report of another number': '=',
    'hand-over refused': '=',
    'give up': '=',
    'give up another number': '=',
    begin: 'learner e5 #8 → learn',
    unlearn: '=',
    'unlearn another number': '=',
    close: '=',
  },
  learner: {
    'row: mine, next epoch': 'serving e6 c0 o0 → activate learned',
    'row: mine, two epochs on': 'settling loading e7 → stop-learning, load',
    'row: mine, same epoch, settled': 'settling loading e5 → stop-learning, load',
    'row: mine, revived': 'settling loading e6 revived → stop-learning, load',
    'row: mine, emptied': 'settling loading e6 → stop-learning, load emptied',
    'row: the target': 'none → stop-learning',
    'row: a third': 'none → stop-learning',
    'row: others, emptied': 'none → stop-learning',
    'row: a newer process of this member': 'none → stop-learning',
    loaded: '=',
    'settled, written': '=',
    'settled, refused': '=',
    accept: '=',
    ended: '=',
    offer: '=',
    ready: '=',
    'ready of another number': '=',
    'report, equal': '=',
    'report, unequal': '=',
    'report of another number': '=',
    'hand-over refused': '=',
    'give up': '=',
    'give up another number': '=',
    begin: 'learner e5 #8 → stop-learning, learn',
    unlearn: 'none → stop-learning',
    'unlearn another number': '=',
    close: 'none → stop-learning',
  },
  loading: {
    'row: mine, next epoch': 'settling loading e6',
    'row: mine, two epochs on': 'settling loading e7',
    'row: mine, same epoch, settled': '=',
    'row: mine, revived': 'settling loading e6 revived',
    'row: mine, emptied': 'settling loading e6 → load emptied',
    'row: the target': 'none → deactivate aside',
    'row: a third': 'none → deactivate aside',
    'row: others, emptied': 'none → deactivate aside',
    'row: a newer process of this member': 'none → deactivate keep',
    loaded: 'serving e5 c4 o0 → activate',
    'settled, written': '=',
    'settled, refused': '=',
    accept: '=',
    ended: '=',
    offer: '=',
    ready: '=',
    'ready of another number': '=',
    'report, equal': '=',
    'report, unequal': '=',
    'report of another number': '=',
    'hand-over refused': '=',
    'give up': '=',
    'give up another number': '=',
    begin: '=',
    unlearn: '=',
    'unlearn another number': '=',
    close: 'none → deactivate keep',
  },
  reviving: {
    'row: mine, next epoch': 'settling loading e6',
    'row: mine, two epochs on': 'settling loading e7',
    'row: mine, same epoch, settled': 'settling loading e5',
    'row: mine, revived': 'settling loading e6 revived',
    'row: mine, emptied': 'settling loading e6 → load emptied',
    'row: the target': 'none → deactivate aside',
    'row: a third': 'none → deactivate aside',
    'row: others, emptied': 'none → deactivate aside',
    'row: a newer process of this member': 'none → deactivate keep',
    loaded: 'settling proposing e5 revived → propose-settled',
    'settled, written': '=',
    'settled, refused': '=',
    accept: '=',
    ended: '=',
    offer: '=',
    ready: '=',
    'ready of another number': '=',
    'report, equal': '=',
    'report, unequal': '=',
    'report of another number': '=',
    'hand-over refused': '=',
    'give up': '=',
    'give up another number': '=',
    begin: '=',
    unlearn: '=',
    'unlearn another number': '=',
    close: 'none → deactivate keep',
  },
  'proposing settled': {
    'row: mine, next epoch': 'serving e6 c4 o0 → activate',
    'row: mine, two epochs on': 'settling loading e7 → load',
    'row: mine, same epoch, settled': 'serving e5 c4 o0 → activate',
    'row: mine, revived': 'settling loading e6 revived → load',
    'row: mine, emptied': 'settling loading e6 → load emptied',
    'row: the target': 'none → deactivate aside',
    'row: a third': 'none → deactivate aside',
    'row: others, emptied': 'none → deactivate aside',
    'row: a newer process of this member': 'none → deactivate keep',
    loaded: '=',
    'settled, written': 'serving e5 c4 o0 → activate',
    'settled, refused': 'settling proposing e5 revived → propose-settled',
    accept: '=',
    ended: '=',
    offer: '=',
    ready: '=',
    'ready of another number': '=',
    'report, equal': '=',
    'report, unequal': '=',
    'report of another number': '=',
    'hand-over refused': '=',
    'give up': '=',
    'give up another number': '=',
    begin: '=',
    unlearn: '=',
    'unlearn another number': '=',
    close: 'none → deactivate keep',
  },
  serving: {
    'row: mine, next epoch': 'serving e6 c9 o0',
    'row: mine, two epochs on': 'settling loading e7 → deactivate keep, load',
    'row: mine, same epoch, settled': '=',
    'row: mine, revived': 'serving e6 c9 o0',
    'row: mine, emptied': 'settling loading e6 → deactivate keep, load emptied',
    'row: the target': 'none → deactivate aside',
    'row: a third': 'none → deactivate aside',
    'row: others, emptied': 'none → deactivate aside',
    'row: a newer process of this member': 'none → deactivate keep',
    loaded: '=',
    'settled, written': '=',
    'settled, refused': '=',
    accept: 'serving e5 c10 o1',
    ended: 'serving e5 c9 o-1',
    offer: 'serving e5 c9 o0 #3 → begin',
    ready: '=',
    'ready of another number': '=',
    'report, equal': '=',
    'report, unequal': '=',
    'report of another number': '=',
    'hand-over refused': '=',
    'give up': '=',
    'give up another number': '=',
    begin: '=',
    unlearn: '=',
    'unlearn another number': '=',
    close: 'sealed closing e5 c9 o0 → seal',
  },
  'handing off': {
    'row: mine, next epoch': 'serving e6 c9 o1 → end',
    'row: mine, two epochs on': 'settling loading e7 → end, deactivate keep, load',
    'row: mine, same epoch, settled': '=',
    'row: mine, revived': 'serving e6 c9 o1 → end',
    'row: mine, emptied': 'settling loading e6 → end, deactivate keep, load emptied',
    // Not by a proposal of this process: its records are kept.
    'row: the target': 'none → end, deactivate aside',
    'row: a third': 'none → end, deactivate aside',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: a newer process of this member': 'none → end, deactivate keep',
    loaded: '=',
    'settled, written': '=',
    'settled, refused': '=',
    accept: 'serving e5 c10 o2 #3',
    ended: 'serving e5 c9 o0 #3',
    offer: '=',
    ready: 'sealed draining e5 c9 o1 #3 → seal',
    'ready of another number': '=',
    'report, equal': '=',
    'report, unequal': '=',
    'report of another number': '=',
    'hand-over refused': '=',
    'give up': 'serving e5 c9 o1 → end',
    'give up another number': '=',
    begin: '=',
    unlearn: '=',
    'unlearn another number': '=',
    close: 'sealed closing e5 c9 o1 → end, seal',
  },
  draining: {
    'row: mine, next epoch': 'serving e6 c9 o1 → end, unseal',
    'row: mine, two epochs on': 'settling loading e7 → end, deactivate keep, load',
    'row: mine, same epoch, settled': '=',
    'row: mine, revived': 'serving e6 c9 o1 → end, unseal',
    'row: mine, emptied': 'settling loading e6 → end, deactivate keep, load emptied',
    'row: the target': 'none → end, deactivate aside',
    'row: a third': 'none → end, deactivate aside',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: a newer process of this member': 'none → end, deactivate keep',
    loaded: '=',
    'settled, written': '=',
    'settled, refused': '=',
    accept: '=',
    ended: 'sealed checking e5 c9 o0 #3 → check',
    offer: '=',
    ready: '=',
    'ready of another number': '=',
    'report, equal': '=',
    'report, unequal': '=',
    'report of another number': '=',
    'hand-over refused': '=',
    'give up': 'serving e5 c9 o1 → end, unseal',
    'give up another number': '=',
    begin: '=',
    unlearn: '=',
    'unlearn another number': '=',
    close: 'sealed closing e5 c9 o1 → end, seal',
  },
  checking: {
    'row: mine, next epoch': 'serving e6 c9 o0 → end, unseal',
    'row: mine, two epochs on': 'settling loading e7 → end, deactivate keep, load',
    'row: mine, same epoch, settled': '=',
    'row: mine, revived': 'serving e6 c9 o0 → end, unseal',
    'row: mine, emptied': 'settling loading e6 → end, deactivate keep, load emptied',
    'row: the target': 'none → end, deactivate aside',
    'row: a third': 'none → end, deactivate aside',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: a newer process of this member': 'none → end, deactivate keep',
    loaded: '=',
    'settled, written': '=',
    'settled, refused': '=',
    accept: '=',
    ended: 'sealed checking e5 c9 o-1 #3',
    offer: '=',
    ready: '=',
    'ready of another number': '=',
    'report, equal': 'sealed proposing e5 c9 o0 #3 → propose-hand-over',
    'report, unequal': 'serving e5 c9 o0 → end, unseal',
    'report of another number': '=',
    'hand-over refused': '=',
    'give up': 'serving e5 c9 o0 → end, unseal',
    'give up another number': '=',
    begin: '=',
    unlearn: '=',
    'unlearn another number': '=',
    close: 'sealed closing e5 c9 o0 → end, seal',
  },
  'proposing hand-over': {
    'row: mine, next epoch': 'serving e6 c9 o0 → end, unseal',
    'row: mine, two epochs on': 'settling loading e7 → end, deactivate keep, load',
    'row: mine, same epoch, settled': '=',
    'row: mine, revived': 'serving e6 c9 o0 → end, unseal',
    'row: mine, emptied': 'settling loading e6 → end, deactivate keep, load emptied',
    'row: the target': 'none → deactivate discard',
    'row: a third': 'none → end, deactivate aside',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: a newer process of this member': 'none → end, deactivate keep',
    loaded: '=',
    'settled, written': '=',
    'settled, refused': '=',
    accept: '=',
    ended: 'sealed proposing e5 c9 o-1 #3',
    offer: '=',
    ready: '=',
    'ready of another number': '=',
    'report, equal': '=',
    'report, unequal': '=',
    'report of another number': '=',
    'hand-over refused': 'serving e5 c9 o0 → end, unseal',
    // The proposal may be written: it is kept to until its outcome is known.
    'give up': '=',
    'give up another number': '=',
    begin: '=',
    unlearn: '=',
    'unlearn another number': '=',
    close: '=',
  },
  closing: {
    'row: mine, next epoch': 'sealed closing e6 c9 o1',
    'row: mine, two epochs on': 'settling loading e7 → deactivate keep, load',
    'row: mine, same epoch, settled': '=',
    'row: mine, revived': 'sealed closing e6 c9 o1',
    'row: mine, emptied': 'settling loading e6 → deactivate keep, load emptied',
    'row: the target': 'none → deactivate aside',
    'row: a third': 'none → deactivate aside',
    'row: others, emptied': 'none → deactivate aside',
    'row: a newer process of this member': 'none → deactivate keep',
    loaded: '=',
    'settled, written': '=',
    'settled, refused': '=',
    accept: '=',
    ended: 'sealed closing e5 c9 o0',
    offer: '=',
    ready: '=',
    'ready of another number': '=',
    'report, equal': '=',
    'report, unequal': '=',
    'report of another number': '=',
    'hand-over refused': '=',
    'give up': '=',
    'give up another number': '=',
    begin: '=',
    unlearn: '=',
    'unlearn another number': '=',
    close: '=',
  },
};

function shown(state: SlotState): string {
  switch (state.role) {
    case 'none':
      return 'none';
    case 'learner':
      return `learner e${state.epoch} #${state.number}`;
    case 'settling':
      return `settling ${state.step} e${state.epoch}${state.revived ? ' revived' : ''}`;
    case 'serving':
    case 'sealed': {
      const step = state.role === 'sealed' ? ` ${state.step}` : '';
      const handOff = state.handOff === undefined ? '' : ` #${state.handOff.number}`;
      return `${state.role}${step} e${state.epoch} c${state.counter} o${state.open}${handOff}`;
    }
  }
}

function outcome(state: SlotState, event: SlotEvent): string {
  const next = stepSlot(state, event);
  const effects = next.effects.map((effect) => {
    if (effect.kind === 'load') return effect.emptied ? 'load emptied' : 'load';
    if (effect.kind === 'activate') return effect.learned ? 'activate learned' : 'activate';
    return effect.kind === 'deactivate' ? `deactivate ${effect.records}` : effect.kind;
  });
  if (effects.length === 0) return JSON.stringify(next.state) === JSON.stringify(state) ? '=' : shown(next.state);
  return `${shown(next.state)} → ${effects.join(', ')}`;
}

describe('slot machine', () => {
  for (const name of Object.keys(states) as StateName[]) {
    test(`${name}: every event`, () => {
      const outcomes = Object.fromEntries(
        (Object.keys(events) as EventName[]).map((event) => [event, outcome(states[name], events[event])]),
      );

      expect(outcomes).toEqual(table[name]);
    });
  }

  test('only serving gives versions, and they grow (I6)', () => {
    let state: SlotState = states.serving;
    const versions = [];
    for (let n = 0; n < 3; n += 1) {
      state = stepSlot(state, events.accept).state;
      if (state.role === 'serving') versions.push(versionOf(state));
    }

    expect(versions).toEqual([10, 11, 12].map((counter) => ({ epoch: 5, counter })));
    for (const [name, other] of Object.entries(states)) {
      if (other.role !== 'serving') expect(stepSlot(other, events.accept).state, name).toEqual(other);
    }
  });

  test('a hand-over is proposed only sealed, drained and equal (I4, I12)', () => {
    const proposing = (Object.keys(states) as StateName[]).flatMap((name) =>
      (Object.keys(events) as EventName[])
        .filter((event) =>
          stepSlot(states[name], events[event]).effects.some(({ kind }) => kind === 'propose-hand-over'),
        )
        .map((event) => `${name}: ${event}`),
    );

    expect(proposing).toEqual(['checking: report, equal']);
  });

  test('records are deleted only after a hand-over of this very process (I4)', () => {
    const discarding = (Object.keys(states) as StateName[]).flatMap((name) =>
      (Object.keys(events) as EventName[])
        .filter((event) =>
          stepSlot(states[name], events[event]).effects.some(
            (effect) => effect.kind === 'deactivate' && effect.records === 'discard',
          ),
        )
        .map((event) => `${name}: ${event}`),
    );

    expect(discarding).toEqual(['proposing hand-over: row: the target']);
  });
});
