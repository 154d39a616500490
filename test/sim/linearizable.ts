// Whether one key's history is linearizable: whether each operation can be given one instant between its
// asking and its answer, so that in the order of these instants every answer is right (Wing and Gong's
// search, with Lowe's memory of what was tried). An operation without a certain answer may have its
// instant at any time after its asking, or none. Values are unique for each write.

import type { Operation } from './history.ts';

export type Verdict =
  | { readonly kind: 'linearizable' }
  /** `stuckAt`: the first answers that nothing explains, after the longest order that was found. */
  | { readonly kind: 'wrong'; readonly stuckAt: readonly Operation[] }
  | { readonly kind: 'undecided'; readonly states: number };

const STATES_MOST = 200_000;

type Value = string | undefined;

/** What an operation does to a value, or that it can't be at that value. */
type Effect = { readonly value: Value } | 'impossible';

interface Node {
  readonly operation: Operation;
  readonly bit: bigint;
  /** Must have its instant. */
  readonly isCertain: boolean;
  /** Changes nothing where it is possible: taken as soon as it can be. */
  readonly isObservation: boolean;
  /** Those of one group do the same, as far as anybody ever saw: the one asked for first stands for all. */
  readonly group: string | undefined;
  readonly apply: (value: Value) => Effect;
}

interface Search {
  readonly nodes: readonly Node[];
  readonly seen: Set<string>;
  best: number;
  stuckAt: readonly Operation[];
}

export function checkHistory(operations: readonly Operation[], statesMost = STATES_MOST): Verdict {
  const seenValues = valuesSeen(operations);
  const nodes = operations
    .filter((operation) => isWorthTrying(operation))
    .toSorted((a, b) => a.from - b.from)
    .map((operation, index) => nodeOf(operation, index, seenValues));
  const certain = nodes.filter(({ isCertain }) => isCertain).reduce((bits, { bit }) => bits | bit, 0n);
  const search: Search = { nodes, seen: new Set(), best: -1, stuckAt: [] };
  // Explicit: histories are longer than the stack is deep.
  const stack: { done: bigint; value: Value; count: number }[] = [{ done: 0n, value: undefined, count: 0 }];
  for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
    const { done, value, count } = settle(search, state);
    if ((done & certain) === certain) return { kind: 'linearizable' };
    // Values that nobody tells apart are one.
    const name = `${done.toString(36)} ${value === undefined ? '' : seenValues.has(value) ? value : '?'}`;
    if (search.seen.has(name)) continue;
    search.seen.add(name);
    if (search.seen.size > statesMost) return { kind: 'undecided', states: search.seen.size };
    const open = withoutTheSame(candidates(search.nodes, done));
    if (count > search.best) {
      search.best = count;
      search.stuckAt = open.filter(({ isCertain }) => isCertain).map(({ operation }) => operation);
    }
    // Certain ones are tried first: the last that is pushed is the next to be looked at.
    for (const node of open.toSorted(
      (a, b) => Number(a.isCertain) - Number(b.isCertain) || b.operation.to - a.operation.to,
    )) {
      const effect = node.apply(value);
      if (effect !== 'impossible') stack.push({ done: done | node.bit, value: effect.value, count: count + 1 });
    }
  }
  return { kind: 'wrong', stuckAt: search.stuckAt };
}

/** A read that may or may not have been answered, and what was refused for certain, say nothing. */
function isWorthTrying({ ask, told }: Operation): boolean {
  return told.kind !== 'never' && !(ask.kind === 'get' && told.kind === 'maybe');
}

/** Takes all observations that are possible now: to take one at once never spoils an order. */
function settle(search: Search, state: { done: bigint; value: Value; count: number }) {
  let { done, count } = state;
  const { value } = state;
  for (let isMore = true; isMore;) {
    isMore = false;
    for (const node of candidates(search.nodes, done)) {
      if (!node.isObservation || node.apply(value) === 'impossible') continue;
      done |= node.bit;
      count += 1;
      isMore = true;
    }
  }
  return { done, value, count };
}

/** Those not done that were asked before the first answer among the certain ones not done. */
function candidates(nodes: readonly Node[], done: bigint): readonly Node[] {
  let firstAnswer = Infinity;
  const open: Node[] = [];
  for (const node of nodes) {
    if ((done & node.bit) !== 0n) continue;
    if (node.operation.from > firstAnswer) break;
    if (node.isCertain) firstAnswer = Math.min(firstAnswer, node.operation.to);
    open.push(node);
  }
  return open.filter(({ operation }) => operation.from < firstAnswer);
}

function withoutTheSame(open: readonly Node[]): readonly Node[] {
  const groups = new Set<string>();
  return open.filter(({ group }) => {
    if (group === undefined) return true;
    const isFirst = !groups.has(group);
    groups.add(group);
    return isFirst;
  });
}

/** Values that some answer tells apart from others. */
function valuesSeen(operations: readonly Operation[]): ReadonlySet<Value> {
  const seen = new Set<Value>();
  for (const { ask, told } of operations) {
    if (told.kind === 'read') seen.add(told.value);
    if (ask.kind === 'cas') seen.add(ask.expected);
  }
  return seen;
}

/** What may or may not have happened, and left nothing that anybody saw. */
function groupOf({ ask, told }: Operation, seen: ReadonlySet<Value>): string | undefined {
  if (told.kind !== 'maybe') return undefined;
  if (ask.kind === 'delete') return 'delete';
  if (ask.kind !== 'put' && ask.kind !== 'cas') return undefined;
  if (ask.value !== undefined && seen.has(ask.value)) return undefined;
  const leaves = ask.value === undefined ? 'nothing' : 'something';
  return ask.kind === 'put' ? 'put' : `cas ${ask.expected ?? ''} leaves ${leaves}`;
}

function nodeOf(operation: Operation, index: number, seen: ReadonlySet<Value>): Node {
  const { ask, told } = operation;
  const isObservation = ask.kind === 'get' || told.kind === 'not-done';
  return {
    operation,
    bit: 1n << BigInt(index),
    isCertain: told.kind !== 'maybe',
    isObservation,
    group: groupOf(operation, seen),
    apply: (value) => effectOf(operation, value),
  };
}

function effectOf({ ask, told }: Operation, value: Value): Effect {
  switch (ask.kind) {
    case 'get':
      return told.kind === 'read' && told.value === value ? { value } : 'impossible';
    case 'put':
      return { value: ask.value };
    case 'wipe':
      return { value: undefined };
    case 'delete':
      // Where there is nothing, a delete that may have happened need not be tried.
      if (told.kind === 'not-done') return value === undefined ? { value } : 'impossible';
      return value === undefined ? 'impossible' : { value: undefined };
    case 'cas':
      if (told.kind === 'not-done') return value === ask.expected ? 'impossible' : { value };
      return value === ask.expected ? { value: ask.value } : 'impossible';
  }
}
