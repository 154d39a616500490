// What the link to one member is, as a pure machine. `mesh` drives one for each member: it carries out
// the effects, and brings time, chance and wishes in with the events.
//
//            wish                turn                  dialled              greeted
//   ┌──────┐ ────▶ ┌────────┐ ────────▶ ┌───────────┐ ────────▶ ┌──────────┐ ───────▶ ┌──────┐ accepted ┌───────────┐
//   │ idle │       │ queued │           │ dialling  │           │ greeting │          │ open │ ───────▶ │ replacing │
//   └──────┘ ◀──── └────────┘           └───────────┘           └──────────┘          └──────┘ ◀─────── └───────────┘
//      ▲   no wish     ▲                      │ failed or too late    │ closed or too late  │ closed, silent  greeted: the new
//      │               │ time                 ▼                       ▼                     │               channel; else the old
//      │ no wish   ┌─────────┐ ◀──────────────────────────────────────────────────────────◀─┘
//      └────────── │ waiting │     (without a wish to dial: idle instead)
//                  └─────────┘
//
// A channel that the remote opened (`accepted`) is greeted from any state; when both sides dial at once,
// the dial of the lower id stands. A channel replaces another only after its hello was checked.

import { limits, unreachable } from '@shoal/shared';

/** A channel, as the driver numbers them, and who dialled it. */
export interface ChannelRef {
  readonly number: number;
  readonly dialledBy: 'self' | 'remote';
}

export type LinkState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'queued'; readonly failures: number }
  | { readonly kind: 'dialling'; readonly dial: number; readonly untilMs: number; readonly failures: number }
  | { readonly kind: 'greeting'; readonly channel: ChannelRef; readonly untilMs: number; readonly failures: number }
  | { readonly kind: 'open'; readonly channel: ChannelRef }
  | {
      readonly kind: 'replacing';
      readonly channel: ChannelRef;
      readonly candidate: ChannelRef;
      readonly untilMs: number;
    }
  | { readonly kind: 'waiting'; readonly untilMs: number; readonly failures: number };

export type LinkEvent =
  /** Somebody asked for a link, or nobody does any more. */
  | { readonly kind: 'wishChanged' }
  /** One of the dials at once is free; the driver numbers them. */
  | { readonly kind: 'turn'; readonly dial: number }
  | { readonly kind: 'dialled'; readonly dial: number; readonly channel: ChannelRef }
  | { readonly kind: 'dialFailed'; readonly dial: number }
  | { readonly kind: 'accepted'; readonly channel: ChannelRef }
  /** The remote's hello was checked. */
  | { readonly kind: 'greeted'; readonly channel: ChannelRef }
  | { readonly kind: 'channelClosed'; readonly channel: ChannelRef }
  | { readonly kind: 'timePassed' }
  /** Nothing was heard over the open channel for the grace. */
  | { readonly kind: 'silent' }
  /** The member is not to be linked to as it was: unwanted, or another incarnation. */
  | { readonly kind: 'dropped'; readonly reason: string };

/** What every event brings along. */
export interface LinkMoment {
  readonly nowMs: number;
  /** In [0, 1). */
  readonly chance: number;
  /** Whether this side should dial while there is no channel. */
  readonly wish: boolean;
  /** Whether our id is the lower: then our dial stands when both dial at once. */
  readonly lower: boolean;
  /** The longest wait before another dial. */
  readonly redialMaxMs: number;
}

export type LinkEffect =
  | { readonly kind: 'dial'; readonly dial: number }
  | { readonly kind: 'abortDial'; readonly dial: number }
  | { readonly kind: 'greet'; readonly channel: ChannelRef }
  | { readonly kind: 'closeChannel'; readonly channel: ChannelRef; readonly reason: string }
  | { readonly kind: 'opened'; readonly channel: ChannelRef }
  /** An open channel is no more. */
  | { readonly kind: 'lost'; readonly channel: ChannelRef }
  /** A try to open one has failed. */
  | { readonly kind: 'failed' };

export interface LinkStep {
  readonly state: LinkState;
  readonly effects: readonly LinkEffect[];
}

export const IDLE_LINK: LinkState = { kind: 'idle' };

export function stepLink(state: LinkState, event: LinkEvent, moment: LinkMoment): LinkStep {
  switch (state.kind) {
    case 'idle':
    case 'queued':
    case 'waiting':
      return stepWithoutChannel(state, event, moment);
    case 'dialling':
      return stepDialling(state, event, moment);
    case 'greeting':
      return stepGreeting(state, event, moment);
    case 'open':
      return stepOpen(state, event, moment);
    case 'replacing':
      return stepReplacing(state, event, moment);
    default:
      return unreachable(state);
  }
}

type In<Kind extends LinkState['kind']> = Extract<LinkState, { readonly kind: Kind }>;

function stepWithoutChannel(state: In<'idle' | 'queued' | 'waiting'>, event: LinkEvent, moment: LinkMoment): LinkStep {
  const failures = state.kind === 'idle' ? 0 : state.failures;
  switch (event.kind) {
    case 'wishChanged':
    case 'dropped':
      if (!moment.wish) return stay(IDLE_LINK);
      if (state.kind === 'waiting') {
        return stay({ ...state, untilMs: Math.min(state.untilMs, moment.nowMs + limits.redialMinMs) });
      }
      return stay({ kind: 'queued', failures });
    case 'turn':
      if (state.kind !== 'queued') return stay(state);
      return {
        state: { kind: 'dialling', dial: event.dial, untilMs: moment.nowMs + limits.dialMs, failures },
        effects: [{ kind: 'dial', dial: event.dial }],
      };
    case 'accepted':
      return greet(event.channel, failures, moment);
    case 'timePassed':
      return state.kind === 'waiting' && moment.nowMs >= state.untilMs
        ? stay({ kind: 'queued', failures })
        : stay(state);
    default:
      return stayAndCloseLate(state, event);
  }
}

function stepDialling(state: In<'dialling'>, event: LinkEvent, moment: LinkMoment): LinkStep {
  const abort: LinkEffect = { kind: 'abortDial', dial: state.dial };
  switch (event.kind) {
    case 'wishChanged':
      return moment.wish ? stay(state) : { state: IDLE_LINK, effects: [abort] };
    case 'dropped':
      return { state: restart(moment), effects: [abort] };
    case 'dialled':
      return event.dial === state.dial ? greet(event.channel, state.failures, moment) : stayAndCloseLate(state, event);
    case 'dialFailed':
      return event.dial === state.dial ? retreat(state.failures + 1, moment, [{ kind: 'failed' }]) : stay(state);
    case 'accepted': {
      if (moment.lower) return { state, effects: [close(event.channel, 'both dialled')] };
      const greeting = greet(event.channel, state.failures, moment);
      return { state: greeting.state, effects: [abort, ...greeting.effects] };
    }
    case 'timePassed':
      if (moment.nowMs < state.untilMs) return stay(state);
      return retreat(state.failures + 1, moment, [abort, { kind: 'failed' }]);
    default:
      return stayAndCloseLate(state, event);
  }
}

function stepGreeting(state: In<'greeting'>, event: LinkEvent, moment: LinkMoment): LinkStep {
  switch (event.kind) {
    case 'accepted': {
      const oursStands = state.channel.dialledBy === 'self' && moment.lower;
      if (oursStands) return { state, effects: [close(event.channel, 'both dialled')] };
      const greeting = greet(event.channel, state.failures, moment);
      return { state: greeting.state, effects: [close(state.channel, 'replaced'), ...greeting.effects] };
    }
    case 'greeted':
      if (!isSame(event.channel, state.channel)) return stay(state);
      return { state: { kind: 'open', channel: state.channel }, effects: [{ kind: 'opened', channel: state.channel }] };
    case 'channelClosed':
      return isSame(event.channel, state.channel)
        ? retreat(state.failures + 1, moment, [{ kind: 'failed' }])
        : stay(state);
    case 'timePassed':
      if (moment.nowMs < state.untilMs) return stay(state);
      return retreat(state.failures + 1, moment, [close(state.channel, 'no hello in time'), { kind: 'failed' }]);
    case 'dropped':
      return { state: restart(moment), effects: [close(state.channel, event.reason)] };
    default:
      return stayAndCloseLate(state, event);
  }
}

function stepOpen(state: In<'open'>, event: LinkEvent, moment: LinkMoment): LinkStep {
  const lost: LinkEffect = { kind: 'lost', channel: state.channel };
  switch (event.kind) {
    case 'accepted':
      return {
        state: { ...state, kind: 'replacing', candidate: event.channel, untilMs: moment.nowMs + limits.dialMs },
        effects: [{ kind: 'greet', channel: event.channel }],
      };
    case 'channelClosed':
      return isSame(event.channel, state.channel) ? retreat(0, moment, [lost]) : stay(state);
    case 'silent':
      return retreat(0, moment, [close(state.channel, 'silent'), lost]);
    case 'dropped':
      return { state: restart(moment), effects: [close(state.channel, event.reason), lost] };
    default:
      return stayAndCloseLate(state, event);
  }
}

function stepReplacing(state: In<'replacing'>, event: LinkEvent, moment: LinkMoment): LinkStep {
  const { channel, candidate } = state;
  const lost: LinkEffect = { kind: 'lost', channel };
  const old: LinkState = { kind: 'open', channel };
  const onlyCandidate: LinkState = { kind: 'greeting', channel: candidate, untilMs: state.untilMs, failures: 0 };
  switch (event.kind) {
    case 'accepted':
      return {
        state: { ...state, candidate: event.channel, untilMs: moment.nowMs + limits.dialMs },
        effects: [close(candidate, 'replaced'), { kind: 'greet', channel: event.channel }],
      };
    case 'greeted':
      if (!isSame(event.channel, candidate)) return stay(state);
      return {
        state: { kind: 'open', channel: candidate },
        effects: [close(channel, 'replaced'), lost, { kind: 'opened', channel: candidate }],
      };
    case 'channelClosed':
      if (isSame(event.channel, candidate)) return stay(old);
      return isSame(event.channel, channel) ? { state: onlyCandidate, effects: [lost] } : stay(state);
    case 'timePassed':
      return moment.nowMs < state.untilMs
        ? stay(state)
        : { state: old, effects: [close(candidate, 'no hello in time')] };
    case 'silent':
      return { state: onlyCandidate, effects: [close(channel, 'silent'), lost] };
    case 'dropped':
      return { state: restart(moment), effects: [close(candidate, event.reason), close(channel, event.reason), lost] };
    default:
      return stayAndCloseLate(state, event);
  }
}

function greet(channel: ChannelRef, failures: number, moment: LinkMoment): LinkStep {
  return {
    state: { kind: 'greeting', channel, untilMs: moment.nowMs + limits.dialMs, failures },
    effects: [{ kind: 'greet', channel }],
  };
}

/** After a failure: another try later, if anybody wants one. */
function retreat(failures: number, moment: LinkMoment, effects: readonly LinkEffect[]): LinkStep {
  if (!moment.wish) return { state: IDLE_LINK, effects };
  return { state: { kind: 'waiting', untilMs: moment.nowMs + backoffMs(failures, moment), failures }, effects };
}

function restart(moment: LinkMoment): LinkState {
  return moment.wish ? { kind: 'queued', failures: 0 } : IDLE_LINK;
}

/** Doubles with each failure, half of it by chance, so that members that failed together don't come together. */
function backoffMs(failures: number, { chance, redialMaxMs }: LinkMoment): number {
  const fullMs = Math.min(redialMaxMs, limits.redialMinMs * 2 ** Math.min(failures, 16));
  return fullMs * (0.5 + 0.5 * chance);
}

function close(channel: ChannelRef, reason: string): LinkEffect {
  return { kind: 'closeChannel', channel, reason };
}

/** Events that mean nothing here; a channel of a dial that was given up must not stay. */
function stayAndCloseLate(state: LinkState, event: LinkEvent): LinkStep {
  return { state, effects: event.kind === 'dialled' ? [close(event.channel, 'too late')] : [] };
}

function stay(state: LinkState): LinkStep {
  return { state, effects: [] };
}

function isSame(a: ChannelRef, b: ChannelRef): boolean {
  return a.number === b.number;
}
