// Leases between an ordered pair: what each step does, and that the holder's time always lies inside the
// grantor's, for clocks within 10 %, late and lost messages, and tables that lag.

import fc from 'fast-check';
import { limits, type TableEpoch } from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import {
  claimKnown,
  claimMade,
  grantorDoubts,
  holderCaughtUp,
  holdsLease,
  leaseAnswered,
  leaseAsked,
  mayTakeOver,
  NOTHING_GRANTED,
  NOTHING_HELD,
  type GrantedLease,
  type HeldLease,
} from '../../../../peer/src/store/lease-state.ts';

const at = (epoch: number, term = 1): TableEpoch => ({ term, epoch });

describe('at the holder', () => {
  const yes = { askedMs: 1_000, lease: true, table: at(5) };

  test.each([
    ['a yes of an equal table', NOTHING_HELD, yes, at(5), 1_000],
    ['a yes of an older table', NOTHING_HELD, yes, at(6), 1_000],
    ['a yes of a newer table', NOTHING_HELD, yes, at(4), undefined],
    ['a yes of a newer term', NOTHING_HELD, { ...yes, table: at(1, 2) }, at(9), undefined],
    ['a no', NOTHING_HELD, { ...yes, lease: false }, at(5), undefined],
    ['a yes that was overtaken', { ...NOTHING_HELD, countedMs: 2_000 }, yes, at(5), 2_000],
    ['a no after a yes', { ...NOTHING_HELD, countedMs: 500 }, { ...yes, lease: false }, at(5), 500],
  ])('%s', (_name, held: HeldLease, answer, own, counted) => {
    expect(leaseAnswered(held, answer, own).countedMs).toBe(counted);
  });

  test('counts from the sending of the question, for three seconds', () => {
    const held = leaseAnswered(NOTHING_HELD, yes, at(5));

    expect(holdsLease(held, 3_999)).toBe(true);
    expect(holdsLease(held, 4_000)).toBe(false);
    expect(holdsLease(NOTHING_HELD, 0)).toBe(false);
  });

  test('counts a yes of a newer table when its own has come so far', () => {
    const held = leaseAnswered(NOTHING_HELD, yes, at(4));

    expect(holderCaughtUp(held, at(4)).countedMs).toBeUndefined();
    expect(holderCaughtUp(held, at(5)).countedMs).toBe(1_000);
    expect(holderCaughtUp(holderCaughtUp(held, at(5)), at(6)).waiting).toBeUndefined();
  });
});

describe('at the grantor', () => {
  const ask = (granted: GrantedLease, nowMs: number, theirs = at(5), own = at(5)) =>
    leaseAsked(granted, theirs, { own, nowMs });

  test('says yes, and asks for nothing for four seconds', () => {
    const { granted, lease } = ask(NOTHING_GRANTED, 100);

    expect(lease).toBe(true);
    expect(mayTakeOver(granted, { nowMs: 4_099, rowMs: 0 })).toBe(false);
    expect(mayTakeOver(granted, { nowMs: 4_100, rowMs: 0 })).toBe(true);
    expect(mayTakeOver(granted, { nowMs: 4_100, rowMs: 101 })).toBe(false);
  });

  test('waits from the row if it never said yes', () => {
    expect(mayTakeOver(NOTHING_GRANTED, { nowMs: 10_000, rowMs: 6_001 })).toBe(false);
    expect(mayTakeOver(NOTHING_GRANTED, { nowMs: 10_001, rowMs: 6_001 })).toBe(true);
  });

  test('says no while a claim is open, and until its own table has the outcome', () => {
    let granted = claimMade(ask(NOTHING_GRANTED, 0).granted);
    expect(ask(granted, 10).lease).toBe(false);

    granted = claimKnown(granted, { written: true, table: at(7), nowMs: 20 });
    expect(ask(granted, 30, at(7), at(6)).lease).toBe(false);
    expect(ask(granted, 30, at(7), at(7)).lease).toBe(true);
  });

  test('waits anew after a refusal, and after standing still', () => {
    const refused = claimKnown(claimMade(NOTHING_GRANTED), { written: false, table: at(7), nowMs: 5_000 });
    expect(ask(refused, 5_000).lease).toBe(true);
    expect(mayTakeOver(refused, { nowMs: 8_999, rowMs: 0 })).toBe(false);
    expect(mayTakeOver(grantorDoubts(NOTHING_GRANTED, 5_000), { nowMs: 8_999, rowMs: 0 })).toBe(false);
  });

  test('says no to one whose table has stood behind for two seconds, and not to one that follows late', () => {
    let state = ask(NOTHING_GRANTED, 0, at(4), at(5));
    expect(state.lease).toBe(true);
    state = ask(state.granted, limits.suspicionMs, at(4), at(9));
    expect(state.lease).toBe(true);
    expect(ask(state.granted, limits.suspicionMs + 1, at(4), at(9)).lease).toBe(false);
    expect(ask(state.granted, limits.suspicionMs + 1, at(5), at(9)).lease).toBe(true);
  });

  test('says no after a goodbye, and may ask at once', () => {
    const granted = { ...ask(NOTHING_GRANTED, 0).granted, gone: true };

    expect(ask(granted, 1).lease).toBe(false);
    expect(mayTakeOver(granted, { nowMs: 1, rowMs: 0 })).toBe(true);
  });
});

describe('both', () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('beat' as const), thereMs: fc.nat(3_000), backMs: fc.nat(3_000) }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(2_500) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('table' as const), at: fc.constantFrom('a', 'b') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('claim' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('refused' as const) }) },
  );

  test('the holder never counts while the grantor may ask', () => {
    const rate = fc.double({ min: 0.9, max: 1.1, noNaN: true });
    fc.assert(
      fc.property(rate, rate, fc.array(step, { maxLength: 60 }), (rateA, rateB, steps) => {
        let nowMs = 0;
        let held = NOTHING_HELD;
        let granted = NOTHING_GRANTED;
        let tableA = 1;
        let tableB = 1;
        const mail: { dueMs: number; open: () => void }[] = [];
        const a = (): number => nowMs * rateA;
        const b = (): number => nowMs * rateB;
        const check = (): void => {
          const asks = granted.claims > 0 || mayTakeOver(granted, { nowMs: b(), rowMs: -Infinity });
          // A grantor that never said yes has nothing to keep to, and the holder nothing to count.
          if (asks && granted.yesMs !== undefined) expect(holdsLease(held, a())).toBe(false);
        };
        const passTo = (untilMs: number): void => {
          for (;;) {
            const next = mail.filter(({ dueMs }) => dueMs <= untilMs).toSorted((x, y) => x.dueMs - y.dueMs)[0];
            if (next === undefined) break;
            mail.splice(mail.indexOf(next), 1);
            nowMs = Math.max(nowMs, next.dueMs);
            next.open();
            check();
          }
          nowMs = untilMs;
          check();
        };
        for (const each of steps) {
          if (each.kind === 'pass') passTo(nowMs + each.ms);
          else if (each.kind === 'table') {
            tableB += 1;
            if (each.at === 'a') tableA = tableB;
            held = holderCaughtUp(held, at(tableA));
          } else if (each.kind === 'claim') {
            if (mayTakeOver(granted, { nowMs: b(), rowMs: -Infinity })) granted = claimMade(granted);
          } else if (each.kind === 'refused') {
            if (granted.claims > 0) granted = claimKnown(granted, { written: false, table: at(tableB), nowMs: b() });
          } else {
            const askedMs = a();
            const theirs = at(tableA);
            mail.push({
              dueMs: nowMs + each.thereMs,
              open: () => {
                const answer = leaseAsked(granted, theirs, { own: at(tableB), nowMs: b() });
                granted = answer.granted;
                const table = at(tableB);
                mail.push({
                  dueMs: nowMs + each.backMs,
                  open: () => {
                    held = leaseAnswered(held, { askedMs, lease: answer.lease, table }, at(tableA));
                  },
                });
              },
            });
          }
          check();
        }
        passTo(nowMs + 10_000);
      }),
      { numRuns: 500 },
    );
  });
});
