import { describe, expect, test } from 'vitest';
import type { Ask, Operation, Told } from './history.ts';
import { checkHistory } from './linearizable.ts';

/** An operation between two stamps; without an end it was never answered. */
function op(from: number, to: number, ask: Ask, told: Told): Operation {
  return { key: 'k', ask, told, from, to, by: 'ada', at: 'ada', atMs: from, untilMs: to };
}

const put = (from: number, to: number, value: string): Operation =>
  op(from, to, { kind: 'put', value }, { kind: 'done' });
const maybePut = (from: number, value: string): Operation =>
  op(from, Infinity, { kind: 'put', value }, { kind: 'maybe' });
const get = (from: number, to: number, value: string | undefined): Operation =>
  op(from, to, { kind: 'get' }, { kind: 'read', value });
const remove = (from: number, to: number, was: boolean): Operation =>
  op(from, to, { kind: 'delete' }, { kind: was ? 'done' : 'not-done' });
const cas = (from: number, to: number, expected: string | undefined, value: string, isDone: boolean): Operation =>
  op(from, to, { kind: 'cas', expected, value }, { kind: isDone ? 'done' : 'not-done' });

describe('histories that are right', () => {
  const right: Record<string, readonly Operation[]> = {
    nothing: [],
    'a key that nobody put is absent': [get(1, 2, undefined)],
    'a put and a read after it': [put(1, 2, 'a'), get(3, 4, 'a')],
    'a read beside a put sees either': [put(1, 4, 'a'), get(2, 3, undefined), get(5, 6, 'a')],
    'two puts at once have either order': [put(1, 4, 'a'), put(2, 3, 'b'), get(5, 6, 'a')],
    'a put without an answer may have happened': [put(1, 2, 'a'), maybePut(3, 'b'), get(4, 5, 'b')],
    'a put without an answer may not have happened': [put(1, 2, 'a'), maybePut(3, 'b'), get(4, 5, 'a')],
    'a put without an answer may happen late': [
      put(1, 2, 'a'),
      maybePut(3, 'b'),
      get(4, 5, 'a'),
      put(6, 7, 'c'),
      get(8, 9, 'c'),
      get(10, 11, 'b'),
    ],
    'a delete, and the key made again': [
      put(1, 2, 'a'),
      remove(3, 4, true),
      get(5, 6, undefined),
      cas(7, 8, undefined, 'b', true),
    ],
    'a delete of nothing': [remove(1, 2, false), put(3, 4, 'a')],
    'a cas on what is there': [put(1, 2, 'a'), cas(3, 4, 'a', 'b', true), get(5, 6, 'b')],
    'a cas that comes too late': [put(1, 2, 'a'), put(3, 4, 'b'), cas(5, 6, 'a', 'c', false), get(7, 8, 'b')],
    'of two cas at once one is done': [
      put(1, 2, 'a'),
      cas(3, 6, 'a', 'b', true),
      cas(4, 5, 'a', 'c', false),
      get(7, 8, 'b'),
    ],
    'a refused put leaves nothing': [
      put(1, 2, 'a'),
      op(3, 4, { kind: 'put', value: 'b' }, { kind: 'never' }),
      get(5, 6, 'a'),
    ],
    'a slot given up by its operator': [
      put(1, 2, 'a'),
      op(3, 4, { kind: 'wipe' }, { kind: 'done' }),
      get(5, 6, undefined),
    ],
  };

  for (const [name, history] of Object.entries(right)) {
    test(name, () => expect(checkHistory(history)).toEqual({ kind: 'linearizable' }));
  }
});

describe('histories that are wrong', () => {
  const wrong: Record<string, readonly Operation[]> = {
    'a value from nowhere': [get(1, 2, 'a')],
    'an acknowledged put that is lost': [put(1, 2, 'a'), get(3, 4, undefined)],
    'an older value after a newer one': [put(1, 2, 'a'), put(3, 4, 'b'), get(5, 6, 'a')],
    'a read that goes back': [put(1, 2, 'a'), put(3, 8, 'b'), get(4, 5, 'b'), get(6, 7, 'a')],
    'a put that happened before it was asked for': [put(1, 2, 'a'), get(3, 4, 'b'), put(5, 6, 'b')],
    'a put that happens twice': [
      put(1, 2, 'a'),
      maybePut(3, 'b'),
      get(4, 5, 'b'),
      put(6, 7, 'c'),
      get(8, 9, 'c'),
      get(10, 11, 'b'),
    ],
    'a cas without an answer that happens twice': [
      put(1, 2, 'a'),
      op(3, Infinity, { kind: 'cas', expected: 'a', value: 'b' }, { kind: 'maybe' }),
      get(4, 5, 'b'),
      put(6, 7, 'a'),
      get(8, 9, 'a'),
      get(10, 11, 'b'),
    ],
    'a cas without an answer on a value that never was': [
      put(1, 2, 'a'),
      op(3, Infinity, { kind: 'cas', expected: 'x', value: 'b' }, { kind: 'maybe' }),
      get(4, 5, 'b'),
    ],
    'a delete without an answer that deletes twice': [
      put(1, 2, 'a'),
      op(3, Infinity, { kind: 'delete' }, { kind: 'maybe' }),
      get(4, 5, undefined),
      put(6, 7, 'b'),
      get(8, 9, undefined),
    ],
    'half of a read that goes back to absent': [put(1, 8, 'a'), get(2, 3, 'a'), get(4, 5, undefined)],
    'a deleted value that comes back': [put(1, 2, 'a'), remove(3, 4, true), get(5, 6, 'a')],
    'a delete that finds nothing where something is': [put(1, 2, 'a'), remove(3, 4, false)],
    'a delete of what was not there': [remove(1, 2, true)],
    'two cas on one value': [put(1, 2, 'a'), cas(3, 6, 'a', 'b', true), cas(4, 5, 'a', 'c', true)],
    'a cas that is refused and was done': [put(1, 2, 'a'), cas(3, 4, 'a', 'b', false), get(5, 6, 'b')],
    'a cas that is refused though the value is the expected one': [put(1, 2, 'a'), cas(3, 4, 'a', 'b', false)],
    'a refused put that appears': [
      put(1, 2, 'a'),
      op(3, 4, { kind: 'put', value: 'b' }, { kind: 'never' }),
      get(5, 6, 'b'),
    ],
    'two readers who disagree on the order of two puts': [
      put(1, 20, 'a'),
      put(2, 20, 'b'),
      get(3, 4, 'a'),
      get(5, 6, 'b'),
      get(7, 8, 'a'),
    ],
    'a value that outlives its slot': [
      put(1, 2, 'a'),
      op(3, 4, { kind: 'wipe' }, { kind: 'done' }),
      get(5, 6, undefined),
      get(7, 8, 'a'),
    ],
  };

  for (const [name, history] of Object.entries(wrong)) {
    test(name, () => expect(checkHistory(history).kind).toBe('wrong'));
  }
});

test('is undecided, and says so, when a history is too much to search', () => {
  const puts = Array.from({ length: 14 }, (_, number) => put(number + 1, 100, `v${number}`));

  expect(checkHistory([...puts, get(101, 102, undefined)], 1_000).kind).toBe('undecided');
});

test('decides a long history with many writes that were never answered', () => {
  const history: Operation[] = [];
  for (let number = 0; number < 300; number += 1) {
    const at = number * 10;
    history.push(put(at, at + 3, `v${number}`), maybePut(at + 1, `m${number}`), get(at + 4, at + 6, `v${number}`));
  }

  expect(checkHistory(history)).toEqual({ kind: 'linearizable' });
});

test('decides a history in which many writes that were never answered left nothing that was seen', () => {
  const unknown = Array.from({ length: 40 }, (_, number) => maybePut(number + 1, `m${number}`));
  const answered = Array.from({ length: 40 }, (_, number) => {
    const at = 100 + number * 10;
    return [put(at, at + 2, `v${number}`), remove(at + 1, at + 3, true), remove(at + 4, at + 6, number % 2 === 0)];
  }).flat();

  expect(checkHistory([...unknown, ...answered]).kind).toBe('linearizable');
  expect(checkHistory([...unknown, ...answered, get(600, 601, 'from nowhere')], 50_000).kind).not.toBe('linearizable');
});
