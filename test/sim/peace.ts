// After the faults: everything is whole again within a minute, every key can be read, nothing waits, and
// when all have left nothing is left of them.

import type { SimMember } from './sim-member.ts';
import type { Stage } from './stage.ts';
import type { Striker } from './strike.ts';

const WHOLE_WITHIN_MS = 90_000;
const READ_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 50;
const EQUAL_WITHIN_MS = 1_000;
const LEAVE_WITHIN_MS = 20_000;
/** Timers of a member that has nothing to do: its ticks, and of each link a few. */
const TIMERS_OF_MEMBER = 8;
const TIMERS_OF_LINK = 3;

export async function judgePeace(stage: Stage, striker: Striker): Promise<void> {
  const { world, clients, findings } = stage;
  striker.end();
  clients.stop();
  if (stage.registrar.running === undefined) stage.registrar.start('newest');
  await world.runUntil(
    world.nowMs() + WHOLE_WITHIN_MS,
    nowAndThen(stage, () => whyNotWhole(stage, striker) === undefined),
  );
  const why = whyNotWhole(stage, striker);
  if (why !== undefined) {
    findings.push(`not whole ${WHOLE_WITHIN_MS / 1_000} s after the faults: ${why}`);
    return;
  }
  await readEverything(stage);
  checkTimers(stage);
  await checkCopies(stage);
  await leaveAll(stage);
}

/** To look at everything after each event would take longer than the events. */
function nowAndThen({ world }: Stage, isSo: () => boolean): () => boolean {
  let lookedMs = -Infinity;
  return () => {
    if (world.nowMs() - lookedMs < LOOK_EVERY_MS) return false;
    lookedMs = world.nowMs();
    return isSo();
  };
}

function members(stage: Stage): readonly SimMember[] {
  return stage.members.filter(({ disk }) => !disk.isLost);
}

function whyNotWhole(stage: Stage, striker: Striker): string | undefined {
  if (striker.unforgotten.size > 0)
    return `${[...striker.unforgotten].map(({ name }) => name).join(', ')} could not be forgotten`;
  if (stage.clients.open > 0) return `${stage.clients.open} operations are open`;
  for (const member of members(stage)) {
    const why = whyNotQuiet(member, members(stage).length);
    if (why !== undefined) return why;
  }
  const rows = stage.registrar.rows();
  if (rows.length === 0) return 'there is no table';
  const present = new Set(members(stage).map(({ id }) => id));
  const copies = Math.min(stage.replicas, present.size);
  for (const row of rows) {
    if (!row.settled) return `slot ${row.slot} is not settled`;
    if (row.copies.length !== copies) return `slot ${row.slot} has ${row.copies.length} of ${copies} copies`;
    if (row.copies.some(({ member }) => !present.has(member)))
      return `a copy of slot ${row.slot} is nobody's that is there`;
    if (row.dropped.length > 0) return `slot ${row.slot} names dropped copies`;
  }
  return undefined;
}

function whyNotQuiet({ name, run, disk }: SimMember, count: number): string | undefined {
  const mesh = run?.mesh;
  if (mesh === undefined || run?.isOver !== false) return `${name} is not in`;
  const { registrar, members: seen, store } = mesh.status();
  if (registrar !== 'connected') return `${name}'s registrar is ${registrar}`;
  if (seen.length !== count) return `${name} sees ${seen.length} of ${count} members`;
  const unlinked = seen.find((view) => !view.self && view.link?.state !== 'open');
  if (unlinked !== undefined) return `${name} has no link to ${unlinked.name} (${unlinked.link?.state ?? 'none'})`;
  const queueing = seen.find((view) => (view.link?.queuedBytes ?? 0) > 0);
  if (queueing !== undefined) return `${name} queues bytes to ${queueing.name}`;
  if (store.moving > 0) return `${name} moves ${store.moving} slots`;
  if (store.waiting > 0) return `${store.waiting} requests wait at ${name}`;
  if (disk.busy() > 1) return `${name}'s disk is busy`;
  return undefined;
}

async function readEverything(stage: Stage): Promise<void> {
  const { world, clients, draw, findings } = stage;
  const unread = new Set<string>();
  for (const key of stage.keys) {
    const { run } = draw.pick(members(stage));
    if (run === undefined) continue;
    unread.add(key);
    void clients.ask(run, key, { kind: 'get' }, { timeoutMs: READ_WITHIN_MS - 1_000 }).then(({ kind }) => {
      if (kind === 'read') unread.delete(key);
    });
  }
  await world.runUntil(world.nowMs() + READ_WITHIN_MS, () => unread.size === 0);
  if (unread.size > 0) findings.push(`after the faults nobody answers for ${[...unread].join(', ')}`);
}

function checkTimers(stage: Stage): void {
  const most = TIMERS_OF_MEMBER + TIMERS_OF_LINK * (members(stage).length - 1);
  for (const { run, name } of members(stage)) {
    const count = run?.process.timerCount() ?? 0;
    if (count > most) stage.findings.push(`${name} has ${count} timers in peace`);
  }
}

/** Copies are equal byte for byte, but for a delete that is just being forgotten. (What a hand-off that came to nothing left elsewhere stays until the slot's next row.) */
async function checkCopies(stage: Stage): Promise<void> {
  const { world, findings } = stage;
  await world.runUntil(world.nowMs() + EQUAL_WITHIN_MS, () => unequal(stage).length === 0);
  findings.push(...unequal(stage));
}

function unequal(stage: Stage): readonly string[] {
  return stage.registrar.rows().flatMap(({ slot, copies }) => {
    const holders = members(stage).filter(({ id }) => copies.some(({ member }) => member === id));
    const contents = new Set(holders.map(({ disk }) => disk.contentOf(slot)));
    return contents.size > 1
      ? [`the copies of slot ${slot} at ${holders.map(({ name }) => name).join(', ')} differ`]
      : [];
  });
}

async function leaveAll(stage: Stage): Promise<void> {
  const { world, findings, network } = stage;
  const leaving = members(stage);
  for (const member of leaving) member.leave(false);
  const isOut = (): boolean => leaving.every(({ run }) => run === undefined || run.isOver);
  await world.runUntil(world.nowMs() + LEAVE_WITHIN_MS, isOut);
  if (!isOut())
    findings.push(
      `${leaving
        .filter(({ run }) => run?.isOver === false)
        .map(({ name }) => name)
        .join(', ')} did not leave`,
    );
  await world.runUntil(world.nowMs() + LEAVE_WITHIN_MS);
  for (const { run, name, disk } of leaving) {
    const timers = run?.process.timerCount() ?? 0;
    if (timers > 0) findings.push(`${name} has left and has ${timers} timers`);
    if (disk.busy() > 0) findings.push(`${name} has left and its disk is busy`);
  }
  if (network.channelCount() > 0) findings.push(`${network.channelCount()} channels are open when all have left`);
}
