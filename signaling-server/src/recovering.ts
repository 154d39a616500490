// `recover`: the operator's word that lost slots are served from the newest copies that are left, although
// a newer one may still be on a disk that is not back (REPLICATION, rule 29).

import {
  limits,
  MeshError,
  shortId,
  type Configuration,
  type Copy,
  type PeerId,
  type Recover,
  type RecoveredSlot,
} from '@shoal/shared';
import type { MeshState } from './mesh-state.ts';
import type { Questions } from './questions.ts';

interface Recovery {
  readonly row: Configuration;
  readonly recovered: RecoveredSlot;
}

/** Rejects with `forbidden` if a process of a newer copy lives, with `lost` if no copy at all is left. */
export async function recoverSlots(
  state: MeshState,
  questions: Questions,
  { slots }: Recover,
): Promise<{ readonly slots: readonly RecoveredSlot[] }> {
  const findLost = (): readonly Configuration[] =>
    state.table.rows.filter((row) => (slots?.includes(row.slot) ?? true) && isLost(state, row));
  if (state.frozen !== undefined) throw state.frozen;
  await assertUnheard(state, questions, findLost());
  const lost = findLost();
  const recoveries = lost.flatMap((row) => recoverRow(state, row) ?? []);
  if (lost.length > 0 && recoveries.length === 0) {
    throw new MeshError(
      'lost',
      `No copy is left of ${lost.length} lost slots: start a member that had one, or forget those that will not come back.`,
    );
  }
  state.change(recoveries.map(({ row }) => row));
  await state.commit();
  return { slots: recoveries.map(({ recovered }) => recovered) };
}

function isLost(state: MeshState, row: Configuration): boolean {
  return row.copies.every((copy) => state.presenceOf(copy) !== 'here');
}

async function assertUnheard(state: MeshState, questions: Questions, rows: readonly Configuration[]): Promise<void> {
  const away = new Set<PeerId>();
  for (const { copies } of rows)
    for (const copy of copies) if (state.presenceOf(copy) === 'away') away.add(copy.member);
  if (away.size === 0) return;
  const { clock } = state.context;
  const isJustGone = (id: PeerId): boolean => clock.monotonicMs() - (state.awaySinceMs.get(id) ?? 0) < limits.graceMs;
  const { heardBy } = await questions.ask(state, [...away].slice(0, 1_024), limits.graceMs);
  const heard = [...away].find((id) => heardBy.has(id) || isJustGone(id));
  if (heard === undefined) return;
  const name = state.roster.get(heard)?.entry.name ?? shortId(heard);
  throw new MeshError(
    'forbidden',
    `${name} is alive, or was a moment ago, and has newer copies: wait until it reaches the server, or end it first.`,
  );
}

function recoverRow(state: MeshState, row: Configuration): Recovery | undefined {
  const last = backOf(state, row.copies);
  const older = backOf(state, row.dropped);
  // All that is left is made equal, and of each key the highest version wins.
  const copies = [...last, ...older];
  const newest = last.find(({ member }) => member === row.owner) ?? last[0] ?? older.at(-1);
  if (newest === undefined) return undefined;
  const { slot } = row;
  const droppedAtMs = last.length > 0 ? undefined : state.roster.get(newest.member)?.droppedAtMs;
  const age = droppedAtMs === undefined ? {} : { ageMs: Math.max(0, state.context.clock.wallMs() - droppedAtMs) };
  return {
    row: { ...row, epoch: row.epoch + 1, owner: newest.member, copies, dropped: [], settled: false },
    recovered: { slot, from: newest.member, ...age },
  };
}

/** Those whose member is connected, as the copies that they would be now. */
function backOf(state: MeshState, copies: readonly Copy[]): readonly Copy[] {
  return copies.flatMap(({ member }) => {
    const seat = state.seats.get(member);
    const copy = seat === undefined ? 'away' : state.copyOf(member, seat.incarnation);
    return typeof copy === 'string' ? [] : [copy];
  });
}
