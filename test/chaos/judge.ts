// What the callers saw against what a fresh member reads, and the histories against the checker.

import { formatOperation, type Operation } from '../sim/history.ts';
import { checkHistory } from '../sim/linearizable.ts';
import type { Client } from './client-process.ts';
import type { LoadRecord } from './load.ts';

export interface Verdict {
  readonly acknowledged: number;
  /** Of acknowledged puts with a key of their own. */
  readonly singles: number;
  readonly found: number;
  readonly lost: number;
  readonly unknown: number;
  readonly refused: number;
  readonly copies: readonly number[];
  readonly errors: ReadonlyMap<string, number>;
  readonly waitMs: { readonly median: number; readonly p99: number; readonly worst: number };
  readonly histories: number;
  readonly operations: number;
  /** Everything that breaks a promise, in words. */
  readonly findings: readonly string[];
}

const SHOWN = 20;

export async function judge(
  records: readonly LoadRecord[],
  { keys, reader }: { readonly keys: readonly string[]; readonly reader: Client },
): Promise<Verdict> {
  const all = <T>(of: (record: LoadRecord) => readonly T[]): readonly T[] => records.flatMap(of);
  const acknowledged = all((record) => record.acknowledged);
  const refused = all((record) => record.refused);
  const present = await reader.read([...acknowledged, ...refused], keys);
  const found = new Set(present.singles);
  const lost = acknowledged.filter((key) => !found.has(key));
  const finals = present.finals.map(({ key, value, fromMs, toMs }): Operation => ({
    key,
    ask: { kind: 'get' },
    told: { kind: 'read', value },
    from: fromMs,
    to: toMs,
    by: 'fresh member',
    at: 'fresh member',
    atMs: fromMs,
    untilMs: toMs,
  }));
  const operations = [...all((record) => record.operations), ...finals];
  const findings = [
    ...lost.map((key) => `lost: ${key} was acknowledged and is not there`),
    ...refused.filter((key) => found.has(key)).map((key) => `${key} was refused and is there`),
    ...all((record) => record.missed).map((key) => `${key} was acknowledged and not read back during the run`),
    ...present.failed.map((key) => `${key} could not be read at the end`),
    ...keys.flatMap((key) => judgeKey(key, operations)),
  ];
  const waits = all((record) => record.waitsMs).toSorted((a, b) => a - b);
  const errors = new Map<string, number>();
  for (const [code, count] of all((record) => [...record.errors])) errors.set(code, (errors.get(code) ?? 0) + count);
  const copies: number[] = [];
  for (const { copies: counts } of records) {
    counts.forEach((count, number) => (copies[number] = (copies[number] ?? 0) + count));
  }
  return {
    acknowledged: waits.length,
    singles: acknowledged.length,
    found: acknowledged.length - lost.length,
    lost: lost.length,
    unknown: all((record) => record.unknown).length,
    refused: refused.length,
    copies,
    errors,
    waitMs: { median: at(waits, 0.5), p99: at(waits, 0.99), worst: waits.at(-1) ?? 0 },
    histories: keys.length,
    operations: operations.length,
    findings,
  };
}

function judgeKey(key: string, operations: readonly Operation[]): readonly string[] {
  const own = operations.filter((operation) => operation.key === key);
  const verdict = checkHistory(own);
  if (verdict.kind === 'linearizable') return [];
  if (verdict.kind === 'undecided') return [`the history of ${key} is undecided after ${verdict.states} states`];
  const lines = own.toSorted((a, b) => a.from - b.from).map((operation) => `    ${formatOperation(operation)}`);
  const stuck = verdict.stuckAt.slice(0, SHOWN).map((operation) => `    ${formatOperation(operation)}`);
  return [
    `the history of ${key} is not linearizable; nothing explains:\n${stuck.join('\n')}\n  in\n${lines.join('\n')}`,
  ];
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.floor(sorted.length * part)] ?? 0;
}
