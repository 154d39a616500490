import { limits } from '@shoal/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  IDLE_LINK,
  stepLink,
  type ChannelRef,
  type LinkEffect,
  type LinkEvent,
  type LinkMoment,
  type LinkState,
} from '../../../../peer/src/mesh/link-state.ts';

const NOW = 10_000;
const ours: ChannelRef = { number: 1, dialledBy: 'self' };
const fresh: ChannelRef = { number: 2, dialledBy: 'remote' };
const other: ChannelRef = { number: 3, dialledBy: 'remote' };

/** Wishes a link, our id is the higher, and every deadline has passed. */
const moment: LinkMoment = { nowMs: NOW, chance: 0.5, wish: true, lower: false, redialMaxMs: limits.redialMaxMs };

const states: { readonly [Kind in LinkState['kind']]: Extract<LinkState, { kind: Kind }> } = {
  idle: { kind: 'idle' },
  queued: { kind: 'queued', failures: 1 },
  dialling: { kind: 'dialling', dial: 7, untilMs: NOW, failures: 1 },
  greeting: { kind: 'greeting', channel: ours, untilMs: NOW, failures: 1 },
  open: { kind: 'open', channel: ours },
  replacing: { kind: 'replacing', channel: ours, candidate: fresh, untilMs: NOW },
  waiting: { kind: 'waiting', untilMs: NOW, failures: 1 },
};

const events: { readonly [Kind in LinkEvent['kind']]: Extract<LinkEvent, { kind: Kind }> } = {
  wishChanged: { kind: 'wishChanged' },
  turn: { kind: 'turn', dial: 8 },
  dialled: { kind: 'dialled', dial: 7, channel: other },
  dialFailed: { kind: 'dialFailed', dial: 7 },
  accepted: { kind: 'accepted', channel: other },
  greeted: { kind: 'greeted', channel: ours },
  channelClosed: { kind: 'channelClosed', channel: ours },
  timePassed: { kind: 'timePassed' },
  silent: { kind: 'silent' },
  dropped: { kind: 'dropped', reason: 'gone' },
};

/** `next state: effects`, effects as `kind` or `kind number`. */
type Row = Record<LinkEvent['kind'], string>;

const table: Record<LinkState['kind'], Row> = {
  idle: {
    wishChanged: 'queued:',
    turn: 'idle:',
    dialled: 'idle: closeChannel 3',
    dialFailed: 'idle:',
    accepted: 'greeting 3: greet 3',
    greeted: 'idle:',
    channelClosed: 'idle:',
    timePassed: 'idle:',
    silent: 'idle:',
    dropped: 'queued:',
  },
  queued: {
    wishChanged: 'queued:',
    turn: 'dialling: dial 8',
    dialled: 'queued: closeChannel 3',
    dialFailed: 'queued:',
    accepted: 'greeting 3: greet 3',
    greeted: 'queued:',
    channelClosed: 'queued:',
    timePassed: 'queued:',
    silent: 'queued:',
    dropped: 'queued:',
  },
  dialling: {
    wishChanged: 'dialling:',
    turn: 'dialling:',
    dialled: 'greeting 3: greet 3',
    dialFailed: 'waiting: failed',
    accepted: 'greeting 3: abortDial 7, greet 3',
    greeted: 'dialling:',
    channelClosed: 'dialling:',
    timePassed: 'waiting: abortDial 7, failed',
    silent: 'dialling:',
    dropped: 'queued: abortDial 7',
  },
  greeting: {
    wishChanged: 'greeting 1:',
    turn: 'greeting 1:',
    dialled: 'greeting 1: closeChannel 3',
    dialFailed: 'greeting 1:',
    accepted: 'greeting 3: closeChannel 1, greet 3',
    greeted: 'open 1: opened 1',
    channelClosed: 'waiting: failed',
    timePassed: 'waiting: closeChannel 1, failed',
    silent: 'greeting 1:',
    dropped: 'queued: closeChannel 1',
  },
  open: {
    wishChanged: 'open 1:',
    turn: 'open 1:',
    dialled: 'open 1: closeChannel 3',
    dialFailed: 'open 1:',
    accepted: 'replacing 1 by 3: greet 3',
    greeted: 'open 1:',
    channelClosed: 'waiting: lost 1',
    timePassed: 'open 1:',
    silent: 'waiting: closeChannel 1, lost 1',
    dropped: 'queued: closeChannel 1, lost 1',
  },
  replacing: {
    wishChanged: 'replacing 1 by 2:',
    turn: 'replacing 1 by 2:',
    dialled: 'replacing 1 by 2: closeChannel 3',
    dialFailed: 'replacing 1 by 2:',
    accepted: 'replacing 1 by 3: closeChannel 2, greet 3',
    greeted: 'replacing 1 by 2:',
    channelClosed: 'greeting 2: lost 1',
    timePassed: 'open 1: closeChannel 2',
    silent: 'greeting 2: closeChannel 1, lost 1',
    dropped: 'queued: closeChannel 2, closeChannel 1, lost 1',
  },
  waiting: {
    wishChanged: 'waiting:',
    turn: 'waiting:',
    dialled: 'waiting: closeChannel 3',
    dialFailed: 'waiting:',
    accepted: 'greeting 3: greet 3',
    greeted: 'waiting:',
    channelClosed: 'waiting:',
    timePassed: 'queued:',
    silent: 'waiting:',
    dropped: 'waiting:',
  },
};

function show({ state, effects }: ReturnType<typeof stepLink>): string {
  return `${showState(state)}:${effects.map((effect) => ` ${showEffect(effect)}`).join(',')}`;
}

function showState(state: LinkState): string {
  if (state.kind === 'replacing') return `replacing ${state.channel.number} by ${state.candidate.number}`;
  return 'channel' in state ? `${state.kind} ${state.channel.number}` : state.kind;
}

function showEffect(effect: LinkEffect): string {
  if ('channel' in effect) return `${effect.kind} ${effect.channel.number}`;
  return 'dial' in effect ? `${effect.kind} ${effect.dial}` : effect.kind;
}

for (const [stateKind, row] of Object.entries(table) as [LinkState['kind'], Row][]) {
  test.each(Object.entries(row) as [LinkEvent['kind'], string][])(`${stateKind} at %s: %s`, (eventKind, expected) => {
    expect(show(stepLink(states[stateKind], events[eventKind], moment))).toBe(expected);
  });
}

test('nobody dials without a wish', () => {
  const unwished = { ...moment, wish: false };

  expect(show(stepLink(states.queued, events.wishChanged, unwished))).toBe('idle:');
  expect(show(stepLink(states.waiting, events.wishChanged, unwished))).toBe('idle:');
  expect(show(stepLink(states.dialling, events.wishChanged, unwished))).toBe('idle: abortDial 7');
  expect(show(stepLink(states.dialling, events.dialFailed, unwished))).toBe('idle: failed');
  expect(show(stepLink(states.open, events.channelClosed, unwished))).toBe('idle: lost 1');
  expect(show(stepLink(states.open, events.wishChanged, unwished))).toBe('open 1:');
});

test('when both dial at once, the dial of the lower id stands', () => {
  const lower = { ...moment, lower: true };

  expect(show(stepLink(states.dialling, events.accepted, lower))).toBe('dialling: closeChannel 3');
  expect(show(stepLink(states.greeting, events.accepted, lower))).toBe('greeting 1: closeChannel 3');
  expect(show(stepLink({ ...states.greeting, channel: fresh }, events.accepted, lower))).toBe(
    'greeting 3: closeChannel 2, greet 3',
  );
});

test('a new channel replaces an open one only after its hello', () => {
  const replacing = stepLink(states.open, events.accepted, moment);
  expect(show(replacing)).toBe('replacing 1 by 3: greet 3');

  expect(show(stepLink(replacing.state, { kind: 'greeted', channel: other }, moment))).toBe(
    'open 3: closeChannel 1, lost 1, opened 3',
  );
  expect(show(stepLink(replacing.state, { kind: 'channelClosed', channel: other }, moment))).toBe('open 1:');
});

test('deadlines are kept', () => {
  const early = { ...moment, nowMs: NOW - 1 };

  for (const kind of ['dialling', 'greeting', 'replacing', 'waiting'] as const) {
    expect(stepLink(states[kind], events.timePassed, early)).toEqual({ state: states[kind], effects: [] });
  }
});

test('waits longer after each failure, up to a bound, with chance', () => {
  const waits = (chance: number): number[] =>
    [0, 1, 2, 3, 4, 5, 10, 1_000].map((failures) => {
      const { state } = stepLink({ ...states.dialling, failures }, events.dialFailed, { ...moment, chance });
      return state.kind === 'waiting' ? state.untilMs - NOW : Number.NaN;
    });

  expect(waits(1)).toEqual([400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000]);
  expect(waits(0)).toEqual([200, 400, 800, 1_600, 2_500, 2_500, 2_500, 2_500]);
});

test('somebody who asks anew does not wait out a long pause', () => {
  const { state } = stepLink({ ...states.waiting, untilMs: NOW + 5_000 }, events.wishChanged, moment);

  expect(state).toEqual({ kind: 'waiting', untilMs: NOW + limits.redialMinMs, failures: 1 });
});

test('keeps the books over any order of events: one open channel at most, none forgotten', () => {
  const kinds = Object.keys(events) as LinkEvent['kind'][];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...kinds), fc.nat({ max: 9 }), fc.boolean(), fc.boolean()), { maxLength: 60 }),
      (steps) => {
        let state: LinkState = IDLE_LINK;
        let nowMs = 0;
        let number = 0;
        let dial: number | undefined;
        const live = new Map<number, ChannelRef>();
        let opened: number | undefined;

        for (const [kind, pick, wish, lower] of steps) {
          nowMs += 1_000;
          const event = makeEvent(kind, pick);
          if (event === undefined) continue;
          const result = stepLink(state, event, { ...moment, nowMs, chance: 0, wish, lower });
          state = result.state;
          for (const effect of result.effects) carryOut(effect);
          check();
        }

        function makeEvent(kind: LinkEvent['kind'], pick: number): LinkEvent | undefined {
          const some = [...live.values()][pick % Math.max(1, live.size)];
          switch (kind) {
            case 'turn':
              return { kind, dial: (number += 1) };
            case 'dialled': {
              if (dial === undefined) return undefined;
              const channel = add('self');
              const of = dial;
              dial = undefined;
              return { kind, dial: of, channel };
            }
            case 'dialFailed': {
              if (dial === undefined) return undefined;
              const of = dial;
              dial = undefined;
              return { kind, dial: of };
            }
            case 'accepted':
              return { kind, channel: add('remote') };
            case 'greeted':
              return some === undefined ? undefined : { kind, channel: some };
            case 'channelClosed':
              if (some === undefined) return undefined;
              live.delete(some.number);
              return { kind, channel: some };
            case 'dropped':
              return { kind, reason: 'test' };
            default:
              return { kind };
          }
        }

        function add(dialledBy: ChannelRef['dialledBy']): ChannelRef {
          const channel = { number: (number += 1), dialledBy };
          live.set(channel.number, channel);
          return channel;
        }

        function carryOut(effect: LinkEffect): void {
          if (effect.kind === 'dial') dial = effect.dial;
          if (effect.kind === 'abortDial') dial = undefined;
          if (effect.kind === 'closeChannel') live.delete(effect.channel.number);
          if (effect.kind === 'opened') {
            expect(opened).toBeUndefined();
            opened = effect.channel.number;
          }
          if (effect.kind === 'lost') {
            expect(opened).toBe(effect.channel.number);
            opened = undefined;
          }
        }

        function check(): void {
          const named = [
            ...('channel' in state ? [state.channel.number] : []),
            ...('candidate' in state ? [state.candidate.number] : []),
          ];
          expect([...live.keys()].toSorted()).toEqual(named.toSorted());
          expect(opened).toBe(state.kind === 'open' || state.kind === 'replacing' ? state.channel.number : undefined);
          expect(dial).toBe(state.kind === 'dialling' ? state.dial : undefined);
        }
      },
    ),
  );
});
