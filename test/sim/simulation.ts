// One seed: a mesh starts, works under faults, is left in peace, and is judged.

import { setMaxListeners } from 'node:events';
import type { LogFields } from '@shoal/shared';
import { drawPlan, type Fault, type FaultKind } from './faults.ts';
import { formatOperation, type Operation } from './history.ts';
import { checkHistory } from './linearizable.ts';
import { judgePeace } from './peace.ts';
import { watchService } from './service.ts';
import { createStage, type Stage } from './stage.ts';
import { createStriker, type Striker } from './strike.ts';

export interface Report {
  readonly seed: number;
  readonly hash: string;
  readonly delivered: number;
  readonly counts: { readonly ok: number; readonly failed: number; readonly unknown: number };
  /** Of all operations asked of members that were not cut off meanwhile, and did not stand still: how many were answered, 0 to 1. */
  readonly answered: number;
  readonly struck: ReadonlyMap<FaultKind, number>;
  readonly moves: number;
  readonly takeOvers: number;
  readonly plan: readonly Fault[];
  /** Broken promises; none for a seed that passes. */
  readonly findings: readonly string[];
  readonly virtualMs: number;
}

export interface SimulationOptions {
  readonly seed: number;
  /** Another plan than the seed's own: for shrinking. */
  readonly plan?: readonly Fault[];
  readonly onEvent?: (atMs: number, what: string) => void;
  readonly onLog?: (atMs: number, process: string, level: string, event: string, fields: LogFields | undefined) => void;
}

const FAULTS_FROM_MS = 3_000;

// Many requests wait for one connection.
setMaxListeners(0);

export async function simulate({ seed, plan, onEvent, onLog }: SimulationOptions): Promise<Report> {
  const stage = createStage({
    seed,
    onLog: onLog === undefined ? undefined : (...log) => onLog(stage.world.nowMs(), ...log),
  });
  const { world, draw } = stage;
  if (onEvent !== undefined) world.onDelivered = (what) => onEvent(world.nowMs(), what);
  const stray = catchStrays(stage.findings);
  try {
    const striker = createStriker(stage);
    const faultsUntilMs = FAULTS_FROM_MS + draw.between(16_000, 36_000);
    const faults = plan ?? drawPlan(world.random('faults'), FAULTS_FROM_MS, faultsUntilMs);
    stage.registrar.start('newest');
    const first = draw.whole(3, 6);
    for (let number = 0; number < first; number += 1) {
      const member = stage.newMember();
      world.after(draw.between(0, 1_500), () => member.start());
    }
    for (const fault of faults) world.after(fault.atMs, () => striker.strike(fault));
    watchService(stage, striker);
    try {
      await world.runUntil(faultsUntilMs, () => hasFinding(stage));
      if (!hasFinding(stage)) await judgePeace(stage, striker);
    } catch (error) {
      stage.findings.push(`a part threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    return report(stage, striker, faults);
  } finally {
    stray.stop();
  }
}

function hasFinding({ findings, watch }: Stage): boolean {
  return findings.length > 0 || watch.findings.length > 0;
}

function report(stage: Stage, striker: Striker, plan: readonly Fault[]): Report {
  const { world, clients, watch, findings } = stage;
  const history = withWipes(stage);
  const judged = stage.keys.filter((key) => !stage.recovered.has(stage.slotOf(key)));
  const findingsOfKeys = judged.flatMap((key) =>
    judgeKey(
      key,
      history.filter((operation) => operation.key === key),
    ),
  );
  const count = (...kinds: readonly string[]): number =>
    clients.history().filter(({ told }) => kinds.includes(told.kind)).length;
  return {
    seed: world.seed,
    hash: world.hash(),
    delivered: world.delivered,
    counts: { ok: count('read', 'done', 'not-done'), failed: count('never'), unknown: count('maybe') },
    answered: stage.answered.part(clients.history()),
    struck: striker.struck,
    moves: watch.moves,
    takeOvers: watch.takeOvers,
    plan,
    findings: [
      ...[...findings, ...watch.findings].map((finding) => withHistory(finding, stage, history)),
      ...findingsOfKeys,
    ],
    virtualMs: world.nowMs(),
  };
}

/** What an operator gave up is absent from the instant at which the table says so. */
function withWipes({ clients, pairs, watch, keys, slotOf }: Stage): readonly Operation[] {
  const wipes = watch.emptied.flatMap(({ slot, stamp, atMs }) =>
    keys
      .filter((key) => slotOf(key) === slot)
      .map((key): Operation => ({
        key,
        ask: { kind: 'wipe' },
        told: { kind: 'done' },
        from: stamp - 0.5,
        to: stamp + 0.5,
        by: 'forget',
        at: 'registrar',
        atMs,
        untilMs: atMs,
      })),
  );
  return [...pairs.complete([...clients.history(), ...clients.expiries()]), ...wipes];
}

/** What was asked of the keys that a finding speaks of, or of its slot's. */
function withHistory(finding: string, { keys, slotOf }: Stage, history: readonly Operation[]): string {
  const slots = new Set([...finding.matchAll(/\bslot (\d+)/g)].map(([, slot]) => Number(slot)));
  const named = keys.filter((key) => new RegExp(`\\b${key}\\b`).test(finding));
  const meant = named.length > 0 ? named : keys.filter((key) => slots.has(slotOf(key)));
  const lines = meant.flatMap((key) => formatHistory(history.filter((operation) => operation.key === key)));
  return [finding, ...lines].join('\n');
}

function formatHistory(operations: readonly Operation[]): readonly string[] {
  return operations.toSorted((a, b) => a.from - b.from).map((operation) => `  ${formatOperation(operation)}`);
}

function judgeKey(key: string, operations: readonly Operation[]): readonly string[] {
  const verdict = checkHistory(operations);
  if (verdict.kind === 'linearizable') return [];
  const history = formatHistory(operations);
  if (verdict.kind === 'undecided')
    return [`${key}: not decided after ${verdict.states} states\n${history.join('\n')}`];
  const stuck = verdict.stuckAt.map((operation) => `  ${formatOperation(operation)}`);
  return [`${key} is not linearizable\n${history.join('\n')}\n nothing explains one of\n${stuck.join('\n')}`];
}

/** A rejection that nobody handles is a bug, wherever it comes from. */
function catchStrays(findings: string[]): { stop(): void } {
  const onStray = (error: unknown): void => {
    findings.push(`nobody handles ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  };
  process.on('unhandledRejection', onStray);
  return { stop: () => process.off('unhandledRejection', onStray) };
}
