// Whether slots are served when they have to be (I18, I19): where nothing has happened for a while to the
// copies of a slot and to whoever asks, and a copy is well, or all are back, the asker is answered.

import type { Configuration, Copy, Incarnation, PeerId, Slot } from '@shoal/shared';
import type { Operation } from './history.ts';
import type { SimMember } from './sim-member.ts';
import type { Stage } from './stage.ts';
import type { Striker } from './strike.ts';

/** With a copy that is well: the protocol's five seconds, and what slow links and clocks add to each step. */
const SERVED_WITHIN_MS = 7_000;
/** With none, and all of them back. */
const REVIVED_WITHIN_MS = 12_000;
const LOOK_EVERY_MS = 500;

/** They make everything slow, or anything fail, for as long as they last. */
const DISTURBING: ReadonlySet<string> = new Set([
  'slow-link',
  'flaky',
  'lost-links',
  'slow-disk',
  'disk-errors',
  'disk-full',
  'twin',
  'registrar-restart',
  'registrar-old-file',
  'registrar-no-file',
  'registrar-freeze',
]);

/** A member as it was last found: up, in, and with a way to everybody, or not. */
interface Standing {
  readonly text: string;
  readonly sinceMs: number;
  readonly isWell: boolean;
  readonly process: string;
  readonly incarnation: Incarnation | undefined;
}

export function watchService(stage: Stage, striker: Striker): void {
  const { world, clients, findings, registrar } = stage;
  const standings = new Map<PeerId, Standing>();
  /** The rows as they were last seen, and since when a slot has none of the processes that had it before. */
  const known = new Map<Slot, { readonly copies: readonly Copy[]; readonly sinceMs: number }>();
  let disturbedMs = 0;

  const note = (): void => {
    if ([...striker.lasting].some((kind) => DISTURBING.has(kind))) disturbedMs = world.nowMs();
    if (registrar.running?.process.state !== 'running') disturbedMs = world.nowMs();
    for (const { slot, copies } of registrar.rows()) {
      const before = known.get(slot);
      const isKept = copies.some(({ incarnation }) => before?.copies.some((copy) => copy.incarnation === incarnation));
      known.set(slot, { copies, sinceMs: isKept ? (before?.sinceMs ?? 0) : world.nowMs() });
    }
    for (const member of stage.members) {
      const standing = standingOf(stage, member);
      if (member.id === undefined || standings.get(member.id)?.text === standing.text) continue;
      standings.set(member.id, standing);
    }
  };

  /** Since when the slot should have answered this one; Infinity if it need not. */
  const dueMs = ({ at, atMs }: Operation, { slot, copies, dropped, settled }: Configuration): number => {
    const asker = [...standings.values()].find(({ isWell, process }) => isWell && process === at);
    if (asker === undefined) return Infinity;
    const standingAt = ({ member }: Copy): Standing | undefined => standings.get(member);
    const isWell = (copy: Copy): boolean => {
      const standing = standingAt(copy);
      return standing?.isWell === true && standing.incarnation === copy.incarnation;
    };
    const all = [...copies, ...dropped];
    const begunMs = known.get(slot)?.sinceMs ?? 0;
    const fromMs = Math.max(
      atMs,
      begunMs,
      disturbedMs,
      asker.sinceMs,
      ...all.map((copy) => standingAt(copy)?.sinceMs ?? 0),
    );
    if (settled ? copies.some(isWell) : copies.every(isWell)) return fromMs + SERVED_WITHIN_MS;
    return all.every((copy) => standingAt(copy)?.isWell === true) ? fromMs + REVIVED_WITHIN_MS : Infinity;
  };

  const look = (): void => {
    if (clients.isStopped) return;
    note();
    for (const operation of clients.owed()) {
      const row = registrar.rows()[stage.slotOf(operation.key)];
      const untilMs = row === undefined ? Infinity : dueMs(operation, row);
      if (row === undefined || world.nowMs() <= untilMs) continue;
      const waitedMs = world.nowMs() - operation.atMs;
      findings.push(
        `slot ${row.slot} is not served: ${operation.by} has waited ${waitedMs.toFixed(0)} ms for ${operation.key}`,
      );
      return;
    }
    world.after(LOOK_EVERY_MS, look);
  };
  world.after(LOOK_EVERY_MS, look);
}

function standingOf({ world, paths, registrar, members }: Stage, member: SimMember): Standing {
  const { run, name, isWanted, disk, wallSteppedMs } = member;
  const isWhole = (other: string): boolean => !paths.path(name, other).isCut && !paths.path(other, name).isCut;
  const others = members.filter((other) => other !== member && other.run?.process.state === 'running');
  const status = run?.isOver === false && run.process.state === 'running' ? run.mesh?.status() : undefined;
  const isThere = isWanted && !disk.isLost && status?.registrar === 'connected' && registrar.running !== undefined;
  const isWell = isThere && ['registrar', ...others.map((other) => other.name)].every(isWhole);
  const process = run?.process.name ?? '';
  return {
    text: `${process} ${isWell} ${wallSteppedMs}`,
    sinceMs: world.nowMs(),
    isWell,
    process,
    incarnation: status?.members.find((view) => view.self)?.incarnation,
  };
}
