import type { Configuration, Incarnation, PeerId, Slot } from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import type { HandOff, ServingState, SlotEvent, SlotState } from '../../../../peer/src/store/slot-events.ts';
import { stepSlot, versionOf } from '../../../../peer/src/store/slot-state.ts';

const ada = 'a'.repeat(32) as PeerId;
const ben = 'b'.repeat(32) as PeerId;
const cleo = 'c'.repeat(32) as PeerId;
const life = '1'.repeat(16) as Incarnation;
const toBen: HandOff = { to: ben, incarnation: life, number: 3, purpose: 'move' };
const addBen: HandOff = { ...toBen, purpose: 'add' };
const giveBen: HandOff = { ...toBen, purpose: 'give' };
const fromBen = { from: ben, incarnation: life, number: 3 };

function row(epoch: number, owner = ada, more: Partial<Configuration> = {}): Configuration {
  return {
    slot: 1 as Slot,
    epoch,
    owner,
    copies: [copy(owner)],
    dropped: [],
    settled: true,
    emptyBefore: 1,
    ...more,
  };
}

function copy(member: PeerId): Configuration['copies'][number] {
  return { member, incarnation: life, durability: 'strict' };
}

const both = { copies: [copy(ada), copy(ben)] };

const states = {
  none: { role: 'none' },
  learner: { role: 'learner', epoch: 5, ...fromBen },
  backup: { role: 'backup', epoch: 5, resigned: false },
  'resigned backup': { role: 'backup', epoch: 5, resigned: true },
  loading: { role: 'settling', epoch: 5, revived: false, alone: true, step: 'loading', counter: 0 },
  'loading with others': { role: 'settling', epoch: 5, revived: false, alone: false, step: 'loading', counter: 0 },
  reviving: { role: 'settling', epoch: 5, revived: true, alone: true, step: 'loading', counter: 0 },
  agreeing: { role: 'settling', epoch: 5, revived: false, alone: false, step: 'agreeing', counter: 4 },
  'agreeing, revived': { role: 'settling', epoch: 5, revived: true, alone: false, step: 'agreeing', counter: 4 },
  'proposing settled': { role: 'settling', epoch: 5, revived: true, alone: true, step: 'proposing', counter: 4 },
  serving: { role: 'serving', epoch: 5, counter: 9, open: 0 },
  'handing off': { role: 'serving', epoch: 5, counter: 9, open: 1, handOff: toBen },
  'comparing, asked': {
    role: 'serving',
    epoch: 5,
    counter: 9,
    open: 0,
    handOff: toBen,
    comparing: { askedAt: 9, isOverdue: false },
  },
  'comparing to add, asked before a write': {
    role: 'serving',
    epoch: 5,
    counter: 9,
    open: 0,
    handOff: addBen,
    comparing: { askedAt: 8, isOverdue: false },
  },
  'comparing, asked before an open write, overdue': {
    role: 'serving',
    epoch: 5,
    counter: 9,
    open: 1,
    handOff: toBen,
    comparing: { askedAt: 8, isOverdue: true },
  },
  'comparing, not asked': {
    role: 'serving',
    epoch: 5,
    counter: 9,
    open: 1,
    handOff: toBen,
    comparing: { askedAt: undefined, isOverdue: false },
  },
  'asking a backup': { role: 'serving', epoch: 5, counter: 9, open: 0, handOff: giveBen },
  adding: { role: 'serving', epoch: 5, counter: 9, open: 1, handOff: addBen, adding: true },
  draining: { role: 'sealed', epoch: 5, counter: 9, open: 1, handOff: toBen, step: 'draining' },
  'draining to give': { role: 'sealed', epoch: 5, counter: 9, open: 1, handOff: giveBen, step: 'draining' },
  checking: { role: 'sealed', epoch: 5, counter: 9, open: 0, handOff: toBen, step: 'checking' },
  'checking to add': { role: 'sealed', epoch: 5, counter: 9, open: 0, handOff: addBen, step: 'checking' },
  'proposing a move': { role: 'sealed', epoch: 5, counter: 9, open: 0, handOff: toBen, step: 'proposing' },
  'proposing to give': { role: 'sealed', epoch: 5, counter: 9, open: 0, handOff: giveBen, step: 'proposing' },
  closing: { role: 'sealed', epoch: 5, counter: 9, open: 1, step: 'closing' },
} as const satisfies Record<string, SlotState>;

const events = {
  'row: mine, next epoch': { kind: 'row', row: row(6), meaning: 'mine' },
  'row: mine and the target, next epoch': { kind: 'row', row: row(6, ada, both), meaning: 'mine' },
  'row: mine, two epochs on': { kind: 'row', row: row(7), meaning: 'mine' },
  'row: mine, same epoch, settled': { kind: 'row', row: row(5), meaning: 'mine' },
  'row: mine, revived': { kind: 'row', row: row(6, ada, { settled: false }), meaning: 'mine' },
  'row: mine, emptied': { kind: 'row', row: row(6, ada, { emptyBefore: 6 }), meaning: 'mine-emptied' },
  'row: a backup of the target': { kind: 'row', row: row(6, ben, both), meaning: 'backup' },
  'row: a backup, two epochs on': { kind: 'row', row: row(7, ben, both), meaning: 'backup' },
  'row: the target': { kind: 'row', row: row(6, ben), meaning: 'others' },
  'row: a third': { kind: 'row', row: row(6, cleo), meaning: 'others' },
  'row: others, emptied': { kind: 'row', row: row(6, cleo, { emptyBefore: 6 }), meaning: 'others-emptied' },
  'row: dropped, or a newer process of this member': { kind: 'row', row: row(6), meaning: 'replaced' },
  loaded: { kind: 'loaded', counter: 4 },
  agreed: { kind: 'agreed', epoch: 5 },
  'agreed in another epoch': { kind: 'agreed', epoch: 4 },
  'settled, written': { kind: 'settled', written: true },
  'settled, refused': { kind: 'settled', written: false },
  accept: { kind: 'accept' },
  ended: { kind: 'ended' },
  'offer of a move': { kind: 'offer', handOff: toBen },
  'offer to add': { kind: 'offer', handOff: addBen },
  'offer to give': { kind: 'offer', handOff: giveBen },
  ready: { kind: 'ready', number: 3 },
  overdue: { kind: 'overdue', number: 3 },
  'overdue of another number': { kind: 'overdue', number: 2 },
  'ready of another number': { kind: 'ready', number: 2 },
  'report, equal': { kind: 'report', number: 3, equal: true },
  'report, unequal': { kind: 'report', number: 3, equal: false },
  'report of another number': { kind: 'report', number: 2, equal: true },
  refused: { kind: 'refused', number: 3 },
  'refused, another number': { kind: 'refused', number: 2 },
  'give up': { kind: 'give-up', number: 3 },
  'give up another number': { kind: 'give-up', number: 2 },
  'failed, alone': { kind: 'failed' },
  'failed, with a backup': { kind: 'failed', to: { ...giveBen, number: 7 } },
  begin: { kind: 'begin', epoch: 5, handOff: { ...fromBen, number: 8 } },
  unlearn: { kind: 'unlearn', number: 3 },
  'unlearn another number': { kind: 'unlearn', number: 2 },
  close: { kind: 'close' },
} as const satisfies Record<string, SlotEvent>;

type StateName = keyof typeof states;
type EventName = keyof typeof events;

/** The state's short form, then its effects; an event that is not named changes nothing. */
const table: Record<StateName, Partial<Record<EventName, string>>> = {
  none: {
    'row: mine, next epoch': 'settling loading e6 alone → load',
    'row: mine and the target, next epoch': 'settling loading e6 → load',
    'row: mine, two epochs on': 'settling loading e7 alone → load',
    'row: mine, same epoch, settled': 'settling loading e5 alone → load',
    'row: mine, revived': 'settling loading e6 alone revived → load',
    'row: mine, emptied': 'settling loading e6 alone → load emptied',
    'row: a backup of the target': 'backup e6 → back',
    'row: a backup, two epochs on': 'backup e7 → back',
    'row: the target': 'none → tidy',
    'row: a third': 'none → tidy',
    'row: others, emptied': 'none → tidy',
    begin: 'learner e5 #8 → learn',
  },
  learner: {
    'row: mine, next epoch': 'serving e6 c0 o0 → activate learned',
    'row: mine and the target, next epoch': 'settling loading e6 → stop-learning, load',
    'row: mine, two epochs on': 'settling loading e7 alone → stop-learning, load',
    'row: mine, revived': 'settling loading e6 alone revived → stop-learning, load',
    'row: mine, emptied': 'settling loading e6 alone → stop-learning, load emptied',
    'row: a backup of the target': 'backup e6 → back known',
    'row: a backup, two epochs on': 'backup e7 → stop-learning, back',
    'row: the target': 'none → stop-learning, tidy',
    'row: a third': 'none → stop-learning, tidy',
    'row: others, emptied': 'none → stop-learning, tidy',
    'row: dropped, or a newer process of this member': 'none → stop-learning',
    begin: 'learner e5 #8 → stop-learning, learn',
    unlearn: 'none → stop-learning',
    close: 'none → stop-learning',
  },
  backup: {
    'row: mine, next epoch': 'settling loading e6 alone → load',
    'row: mine and the target, next epoch': 'settling loading e6 → load',
    'row: mine, two epochs on': 'settling loading e7 alone → load',
    'row: mine, same epoch, settled': 'settling loading e5 alone → load',
    'row: mine, revived': 'settling loading e6 alone revived → load',
    'row: mine, emptied': 'settling loading e6 alone → load emptied',
    'row: a backup of the target': 'backup e6',
    'row: a backup, two epochs on': 'backup e7',
    'row: the target': 'none → stop-backing, tidy',
    'row: a third': 'none → stop-backing, tidy',
    'row: others, emptied': 'none → stop-backing, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → stop-backing, deactivate keep',
    'failed, alone': 'backup e5 resigned → resign',
    'failed, with a backup': 'backup e5 resigned → resign',
  },
  'resigned backup': {
    'row: mine, next epoch': 'settling loading e6 alone → load',
    'row: mine and the target, next epoch': 'settling loading e6 → load',
    'row: mine, two epochs on': 'settling loading e7 alone → load',
    'row: mine, same epoch, settled': 'settling loading e5 alone → load',
    'row: mine, revived': 'settling loading e6 alone revived → load',
    'row: mine, emptied': 'settling loading e6 alone → load emptied',
    'row: a backup of the target': 'backup e6 resigned',
    'row: a backup, two epochs on': 'backup e7 resigned',
    'row: the target': 'none → stop-backing, tidy',
    'row: a third': 'none → stop-backing, tidy',
    'row: others, emptied': 'none → stop-backing, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → stop-backing, deactivate keep',
  },
  loading: {
    'row: mine, next epoch': 'settling loading e6 alone',
    'row: mine and the target, next epoch': 'settling loading e6',
    'row: mine, two epochs on': 'settling loading e7 alone',
    'row: mine, revived': 'settling loading e6 alone revived',
    'row: mine, emptied': 'settling loading e6 alone → load emptied',
    'row: a backup of the target': 'backup e6 → back',
    'row: a backup, two epochs on': 'backup e7 → back',
    'row: the target': 'none → deactivate keep, tidy',
    'row: a third': 'none → deactivate keep, tidy',
    'row: others, emptied': 'none → deactivate aside',
    'row: dropped, or a newer process of this member': 'none → deactivate keep',
    loaded: 'serving e5 c4 o0 → activate',
    close: 'none → deactivate keep',
  },
  'loading with others': {
    'row: mine, next epoch': 'settling loading e6 alone',
    'row: mine and the target, next epoch': 'settling loading e6',
    'row: mine, two epochs on': 'settling loading e7 alone',
    'row: mine, same epoch, settled': 'settling loading e5 alone',
    'row: mine, revived': 'settling loading e6 alone revived',
    'row: mine, emptied': 'settling loading e6 alone → load emptied',
    'row: a backup of the target': 'backup e6 → back',
    'row: a backup, two epochs on': 'backup e7 → back',
    'row: the target': 'none → deactivate keep, tidy',
    'row: a third': 'none → deactivate keep, tidy',
    'row: others, emptied': 'none → deactivate aside',
    'row: dropped, or a newer process of this member': 'none → deactivate keep',
    loaded: 'settling agreeing e5 → agree',
    close: 'none → deactivate keep',
  },
  reviving: {
    'row: mine, next epoch': 'settling loading e6 alone',
    'row: mine and the target, next epoch': 'settling loading e6',
    'row: mine, two epochs on': 'settling loading e7 alone',
    'row: mine, same epoch, settled': 'settling loading e5 alone',
    'row: mine, revived': 'settling loading e6 alone revived',
    'row: mine, emptied': 'settling loading e6 alone → load emptied',
    'row: a backup of the target': 'backup e6 → back',
    'row: a backup, two epochs on': 'backup e7 → back',
    'row: the target': 'none → deactivate keep, tidy',
    'row: a third': 'none → deactivate keep, tidy',
    'row: others, emptied': 'none → deactivate aside',
    'row: dropped, or a newer process of this member': 'none → deactivate keep',
    loaded: 'settling proposing e5 alone revived → propose-settled',
    close: 'none → deactivate keep',
  },
  agreeing: {
    'row: mine, next epoch': 'serving e6 c4 o0 → activate',
    'row: mine and the target, next epoch': 'settling agreeing e6 → agree',
    'row: mine, two epochs on': 'serving e7 c4 o0 → activate',
    'row: mine, same epoch, settled': 'settling agreeing e5 alone',
    'row: mine, revived': 'settling proposing e6 alone revived → propose-settled',
    'row: mine, emptied': 'settling loading e6 alone → load emptied',
    'row: a backup of the target': 'backup e6 → back',
    'row: a backup, two epochs on': 'backup e7 → back',
    'row: the target': 'none → deactivate keep, tidy',
    'row: a third': 'none → deactivate keep, tidy',
    'row: others, emptied': 'none → deactivate aside',
    'row: dropped, or a newer process of this member': 'none → deactivate keep',
    agreed: 'serving e5 c4 o0 → activate',
    close: 'none → deactivate keep',
  },
  'agreeing, revived': {
    'row: mine, next epoch': 'serving e6 c4 o0 → activate',
    'row: mine and the target, next epoch': 'settling agreeing e6 → agree',
    'row: mine, two epochs on': 'serving e7 c4 o0 → activate',
    'row: mine, same epoch, settled': 'settling agreeing e5 alone',
    'row: mine, revived': 'settling proposing e6 alone revived → propose-settled',
    'row: mine, emptied': 'settling loading e6 alone → load emptied',
    'row: a backup of the target': 'backup e6 → back',
    'row: a backup, two epochs on': 'backup e7 → back',
    'row: the target': 'none → deactivate keep, tidy',
    'row: a third': 'none → deactivate keep, tidy',
    'row: others, emptied': 'none → deactivate aside',
    'row: dropped, or a newer process of this member': 'none → deactivate keep',
    agreed: 'settling proposing e5 revived → propose-settled',
    close: 'none → deactivate keep',
  },
  'proposing settled': {
    'row: mine, next epoch': 'serving e6 c4 o0 → activate',
    'row: mine and the target, next epoch': 'settling loading e6 → load',
    'row: mine, two epochs on': 'settling loading e7 alone → load',
    'row: mine, same epoch, settled': 'serving e5 c4 o0 → activate',
    'row: mine, revived': 'settling loading e6 alone revived → load',
    'row: mine, emptied': 'settling loading e6 alone → load emptied',
    'row: a backup of the target': 'backup e6 → back',
    'row: a backup, two epochs on': 'backup e7 → back',
    'row: the target': 'none → deactivate keep, tidy',
    'row: a third': 'none → deactivate keep, tidy',
    'row: others, emptied': 'none → deactivate aside',
    'row: dropped, or a newer process of this member': 'none → deactivate keep',
    'settled, written': 'serving e5 c4 o0 → activate',
    'settled, refused': 'settling proposing e5 alone revived → propose-settled',
    close: 'none → deactivate keep',
  },
  serving: {
    'row: mine, next epoch': 'serving e6 c9 o0 → resend',
    'row: mine and the target, next epoch': 'serving e6 c9 o0 → resend',
    'row: mine, two epochs on': 'settling loading e7 alone → deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o0 → resend',
    'row: mine, emptied': 'settling loading e6 alone → deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → back known',
    'row: a backup, two epochs on': 'backup e7 → back known',
    'row: the target': 'none → deactivate keep, tidy',
    'row: a third': 'none → deactivate keep, tidy',
    'row: others, emptied': 'none → deactivate aside',
    'row: dropped, or a newer process of this member': 'none → deactivate keep',
    accept: 'serving e5 c10 o1',
    ended: 'serving e5 c9 o-1',
    'offer of a move': 'serving e5 c9 o0 #3 → begin',
    'offer to add': 'serving e5 c9 o0 #3 → begin',
    'offer to give': 'serving e5 c9 o0 #3 → check',
    'failed, with a backup': 'sealed proposing e5 c9 o0 #7 → seal, propose-hand-over',
    close: 'sealed closing e5 c9 o0 → seal',
  },
  'handing off': {
    'row: mine, next epoch': 'serving e6 c9 o1 → end, resend',
    'row: mine and the target, next epoch': 'serving e6 c9 o1 → end, resend',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o1 → end, resend',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back',
    'row: a backup, two epochs on': 'backup e7 → end, back',
    'row: the target': 'none → end, deactivate keep, tidy',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    accept: 'serving e5 c10 o2 #3',
    ended: 'serving e5 c9 o0 #3',
    ready: 'serving e5 c9 o1 #3 comparing',
    refused: 'serving e5 c9 o1 → end',
    'give up': 'serving e5 c9 o1 → end',
    'failed, with a backup': 'sealed proposing e5 c9 o1 #7 → end, seal, propose-hand-over',
    close: 'sealed closing e5 c9 o1 → end, seal',
  },
  'comparing, asked': {
    'row: mine, next epoch': 'serving e6 c9 o0 → end, resend',
    'row: mine and the target, next epoch': 'serving e6 c9 o0 → end, resend',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o0 → end, resend',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back known',
    'row: a backup, two epochs on': 'backup e7 → end, back known',
    'row: the target': 'none → end, deactivate keep, tidy',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    accept: 'serving e5 c10 o1 #3 comparing at 9',
    ended: 'serving e5 c9 o-1 #3 comparing at 9',
    overdue: 'serving e5 c9 o0 #3 comparing at 9 overdue',
    'report, equal': 'sealed proposing e5 c9 o0 #3 → seal, propose-hand-over',
    'report, unequal': 'serving e5 c9 o0 → end',
    refused: 'serving e5 c9 o0 → end',
    'give up': 'serving e5 c9 o0 → end',
    'failed, with a backup': 'sealed proposing e5 c9 o0 #7 → end, seal, propose-hand-over',
    close: 'sealed closing e5 c9 o0 → end, seal',
  },
  'comparing to add, asked before a write': {
    'row: mine, next epoch': 'serving e6 c9 o0 → end, resend',
    'row: mine and the target, next epoch': 'serving e6 c9 o0 → added, resend',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o0 → end, resend',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back known',
    'row: a backup, two epochs on': 'backup e7 → end, back known',
    'row: the target': 'none → end, deactivate keep, tidy',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    accept: 'serving e5 c10 o1 #3 comparing at 8',
    ended: 'serving e5 c9 o-1 #3 comparing at 8',
    overdue: 'serving e5 c9 o0 #3 comparing at 8 overdue',
    'report, equal': 'serving e5 c9 o0 #3 adding → propose-add',
    'report, unequal': 'serving e5 c9 o0 #3 comparing at 9 → check',
    refused: 'serving e5 c9 o0 → end',
    'give up': 'serving e5 c9 o0 → end',
    'failed, with a backup': 'sealed proposing e5 c9 o0 #7 → end, seal, propose-hand-over',
    close: 'sealed closing e5 c9 o0 → end, seal',
  },
  'comparing, asked before an open write, overdue': {
    'row: mine, next epoch': 'serving e6 c9 o1 → end, resend',
    'row: mine and the target, next epoch': 'serving e6 c9 o1 → end, resend',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o1 → end, resend',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back',
    'row: a backup, two epochs on': 'backup e7 → end, back',
    'row: the target': 'none → end, deactivate keep, tidy',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    accept: 'serving e5 c10 o2 #3 comparing at 8 overdue',
    ended: 'serving e5 c9 o0 #3 comparing at 8 overdue',
    'report, equal': 'sealed draining e5 c9 o1 #3 → seal',
    'report, unequal': 'sealed draining e5 c9 o1 #3 → seal',
    refused: 'serving e5 c9 o1 → end',
    'give up': 'serving e5 c9 o1 → end',
    'failed, with a backup': 'sealed proposing e5 c9 o1 #7 → end, seal, propose-hand-over',
    close: 'sealed closing e5 c9 o1 → end, seal',
  },
  'comparing, not asked': {
    'row: mine, next epoch': 'serving e6 c9 o1 → end, resend',
    'row: mine and the target, next epoch': 'serving e6 c9 o1 → end, resend',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o1 → end, resend',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back',
    'row: a backup, two epochs on': 'backup e7 → end, back',
    'row: the target': 'none → end, deactivate keep, tidy',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    accept: 'serving e5 c10 o2 #3 comparing',
    ended: 'serving e5 c9 o0 #3 comparing at 9 → check',
    overdue: 'sealed draining e5 c9 o1 #3 → seal',
    refused: 'serving e5 c9 o1 → end',
    'give up': 'serving e5 c9 o1 → end',
    'failed, with a backup': 'sealed proposing e5 c9 o1 #7 → end, seal, propose-hand-over',
    close: 'sealed closing e5 c9 o1 → end, seal',
  },
  'asking a backup': {
    'row: mine, next epoch': 'serving e6 c9 o0 → end, resend',
    'row: mine and the target, next epoch': 'serving e6 c9 o0 → end, resend',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o0 → end, resend',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back known',
    'row: a backup, two epochs on': 'backup e7 → end, back known',
    'row: the target': 'none → end, deactivate keep, tidy',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    accept: 'serving e5 c10 o1 #3',
    ended: 'serving e5 c9 o-1 #3',
    'report, equal': 'sealed proposing e5 c9 o0 #3 → seal, propose-hand-over',
    'report, unequal': 'serving e5 c9 o0 → end',
    refused: 'serving e5 c9 o0 → end',
    'give up': 'serving e5 c9 o0 → end',
    'failed, with a backup': 'sealed proposing e5 c9 o0 #7 → end, seal, propose-hand-over',
    close: 'sealed closing e5 c9 o0 → end, seal',
  },
  adding: {
    'row: mine, next epoch': 'serving e6 c9 o1 → end, resend',
    'row: mine and the target, next epoch': 'serving e6 c9 o1 → added, resend',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o1 → end, resend',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back',
    'row: a backup, two epochs on': 'backup e7 → end, back',
    'row: the target': 'none → end, deactivate keep, tidy',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    accept: 'serving e5 c10 o2 #3 adding',
    ended: 'serving e5 c9 o0 #3 adding',
    refused: 'serving e5 c9 o1 → end',
    close: 'sealed closing e5 c9 o1 #3 → seal',
  },
  draining: {
    'row: mine, next epoch': 'serving e6 c9 o1 → end, resend, unseal',
    'row: mine and the target, next epoch': 'serving e6 c9 o1 → end, resend, unseal',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o1 → end, resend, unseal',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back',
    'row: a backup, two epochs on': 'backup e7 → end, back',
    'row: the target': 'none → end, deactivate keep, tidy',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    ended: 'sealed checking e5 c9 o0 #3 → check',
    'give up': 'serving e5 c9 o1 → end, unseal',
    'failed, with a backup': 'sealed proposing e5 c9 o1 #7 → end, seal, propose-hand-over',
    close: 'sealed closing e5 c9 o1 → end, seal',
  },
  'draining to give': {
    'row: mine, next epoch': 'serving e6 c9 o1 → end, resend, unseal',
    'row: mine and the target, next epoch': 'serving e6 c9 o1 → end, resend, unseal',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o1 → end, resend, unseal',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back',
    'row: a backup, two epochs on': 'backup e7 → end, back',
    'row: the target': 'none → end, deactivate keep, tidy',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    ended: 'sealed proposing e5 c9 o0 #3 → propose-hand-over',
    'give up': 'serving e5 c9 o1 → end, unseal',
    'failed, with a backup': 'sealed proposing e5 c9 o1 #7 → end, seal, propose-hand-over',
    close: 'sealed closing e5 c9 o1 → end, seal',
  },
  checking: {
    'row: mine, next epoch': 'serving e6 c9 o0 → end, resend, unseal',
    'row: mine and the target, next epoch': 'serving e6 c9 o0 → end, resend, unseal',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o0 → end, resend, unseal',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back known',
    'row: a backup, two epochs on': 'backup e7 → end, back known',
    'row: the target': 'none → end, deactivate keep, tidy',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    ended: 'sealed checking e5 c9 o-1 #3',
    'report, equal': 'sealed proposing e5 c9 o0 #3 → propose-hand-over',
    'report, unequal': 'serving e5 c9 o0 → end, unseal',
    'give up': 'serving e5 c9 o0 → end, unseal',
    'failed, with a backup': 'sealed proposing e5 c9 o0 #7 → end, seal, propose-hand-over',
    close: 'sealed closing e5 c9 o0 → end, seal',
  },
  'checking to add': {
    'row: mine, next epoch': 'serving e6 c9 o0 → end, resend, unseal',
    'row: mine and the target, next epoch': 'serving e6 c9 o0 → added, resend, unseal',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o0 → end, resend, unseal',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back known',
    'row: a backup, two epochs on': 'backup e7 → end, back known',
    'row: the target': 'none → end, deactivate keep, tidy',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    ended: 'sealed checking e5 c9 o-1 #3',
    'report, equal': 'serving e5 c9 o0 #3 adding → propose-add, unseal',
    'report, unequal': 'serving e5 c9 o0 → end, unseal',
    'give up': 'serving e5 c9 o0 → end, unseal',
    'failed, with a backup': 'sealed proposing e5 c9 o0 #7 → end, seal, propose-hand-over',
    close: 'sealed closing e5 c9 o0 → end, seal',
  },
  'proposing a move': {
    'row: mine, next epoch': 'serving e6 c9 o0 → end, resend, unseal',
    'row: mine and the target, next epoch': 'serving e6 c9 o0 → end, resend, unseal',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o0 → end, resend, unseal',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back known',
    'row: a backup, two epochs on': 'backup e7 → end, back known',
    'row: the target': 'none → deactivate discard',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    ended: 'sealed proposing e5 c9 o-1 #3',
    refused: 'serving e5 c9 o0 → end, unseal',
  },
  'proposing to give': {
    'row: mine, next epoch': 'serving e6 c9 o0 → end, resend, unseal',
    'row: mine and the target, next epoch': 'serving e6 c9 o0 → end, resend, unseal',
    'row: mine, two epochs on': 'settling loading e7 alone → end, deactivate keep, load',
    'row: mine, revived': 'serving e6 c9 o0 → end, resend, unseal',
    'row: mine, emptied': 'settling loading e6 alone → end, deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → end, back known',
    'row: a backup, two epochs on': 'backup e7 → end, back known',
    'row: the target': 'none → end, deactivate keep, tidy',
    'row: a third': 'none → end, deactivate keep, tidy',
    'row: others, emptied': 'none → end, deactivate aside',
    'row: dropped, or a newer process of this member': 'none → end, deactivate keep',
    ended: 'sealed proposing e5 c9 o-1 #3',
    refused: 'serving e5 c9 o0 → end, unseal',
  },
  closing: {
    'row: mine, next epoch': 'sealed closing e6 c9 o1 → resend',
    'row: mine and the target, next epoch': 'sealed closing e6 c9 o1 → resend',
    'row: mine, two epochs on': 'settling loading e7 alone → deactivate keep, load',
    'row: mine, revived': 'sealed closing e6 c9 o1 → resend',
    'row: mine, emptied': 'settling loading e6 alone → deactivate keep, load emptied',
    'row: a backup of the target': 'backup e6 → back',
    'row: a backup, two epochs on': 'backup e7 → back',
    'row: the target': 'none → deactivate keep, tidy',
    'row: a third': 'none → deactivate keep, tidy',
    'row: others, emptied': 'none → deactivate aside',
    'row: dropped, or a newer process of this member': 'none → deactivate keep',
    ended: 'sealed closing e5 c9 o0',
  },
};

const PROPOSING = [
  'serving: failed, with a backup',
  'handing off: failed, with a backup',
  'comparing, asked: report, equal',
  'comparing, asked: failed, with a backup',
  'comparing to add, asked before a write: report, equal',
  'comparing to add, asked before a write: failed, with a backup',
  'comparing, asked before an open write, overdue: failed, with a backup',
  'comparing, not asked: failed, with a backup',
  'asking a backup: report, equal',
  'asking a backup: failed, with a backup',
  'draining: failed, with a backup',
  'draining to give: ended',
  'draining to give: failed, with a backup',
  'checking: report, equal',
  'checking: failed, with a backup',
  'checking to add: report, equal',
  'checking to add: failed, with a backup',
];

function shown(state: SlotState): string {
  switch (state.role) {
    case 'none':
      return 'none';
    case 'learner':
      return `learner e${state.epoch} #${state.number}`;
    case 'backup':
      return `backup e${state.epoch}${state.resigned ? ' resigned' : ''}`;
    case 'settling':
      return `settling ${state.step} e${state.epoch}${state.alone ? ' alone' : ''}${state.revived ? ' revived' : ''}`;
    case 'serving':
    case 'sealed': {
      const step = state.role === 'sealed' ? ` ${state.step}` : '';
      const handOff = state.handOff === undefined ? '' : ` #${state.handOff.number}`;
      const shownState = `${state.role}${step} e${state.epoch} c${state.counter} o${state.open}${handOff}`;
      return state.role === 'serving' ? `${shownState}${shownOfServing(state)}` : shownState;
    }
  }
}

function shownOfServing({ adding, comparing }: ServingState): string {
  if (adding === true) return ' adding';
  if (comparing === undefined) return '';
  const { askedAt, isOverdue } = comparing;
  return ` comparing${askedAt === undefined ? '' : ` at ${askedAt}`}${isOverdue ? ' overdue' : ''}`;
}

function outcome(state: SlotState, event: SlotEvent): string {
  const next = stepSlot(state, event);
  const effects = next.effects.map((effect) => {
    if (effect.kind === 'load') return effect.emptied ? 'load emptied' : 'load';
    if (effect.kind === 'back') return effect.known ? 'back known' : 'back';
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
        (Object.keys(events) as EventName[])
          .map((event) => [event, outcome(states[name], events[event])])
          .filter(([, text]) => text !== '='),
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

  test("a learner goes on when its slot's row says settled", () => {
    const { learner } = states;

    expect(stepSlot(learner, { kind: 'row', row: row(5, ben), meaning: 'others' })).toEqual({
      state: learner,
      effects: [],
    });
  });

  test('a change is proposed only when drained and equal, or by an owner that failed (I4, I12)', () => {
    const proposing = (Object.keys(states) as StateName[]).flatMap((name) =>
      (Object.keys(events) as EventName[])
        .filter((event) =>
          stepSlot(states[name], events[event]).effects.some(
            ({ kind }) => kind === 'propose-hand-over' || kind === 'propose-add',
          ),
        )
        .map((event) => `${name}: ${event}`),
    );

    expect(proposing).toEqual(PROPOSING);
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

    expect(discarding).toEqual(['proposing a move: row: the target']);
  });
});
