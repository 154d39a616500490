// How a member comes in: it proves its identity, replaces an older incarnation of itself, and gets its
// slots back (or, as the first, all of them). Answered when the change is on disk.

import {
  createDeferred,
  fromHex,
  joinProof,
  MeshError,
  peerIdOf,
  shortId,
  sleep,
  SPOKEN_VERSIONS,
  verify,
  type Join,
  type Joined,
  type PeerId,
  type RosterEntry,
} from '@shoal/shared';
import type { MeshState, Seat } from './mesh-state.ts';
import type { RegistrarClient } from './registrar-api.ts';
import { reviveNow } from './reviving.ts';
import { rosterEntries, withMember } from './roster.ts';
import { firstRows, isBehind } from './table.ts';

/** How long an older incarnation has to stop serving, and to say so, once it is told. */
const STOP_WAIT_MS = 2_000;
/** More members than a full mesh of links can carry. */
const MEMBERS_MOST = 1_024;

const ADOPT = 'let `shoal adopt` make one from the members';
const BEGIN_ANEW = `${ADOPT}; to begin an empty mesh instead, end the members of the old one and start the server again`;

export interface JoinRequest {
  readonly ask: Join;
  readonly nonce: string;
  readonly client: RegistrarClient;
  /** Whether the connection ended while the join waited. */
  isClosed(): boolean;
}

export async function joinMesh(
  state: MeshState,
  request: JoinRequest,
): Promise<{ readonly seat: Seat; readonly joined: Joined }> {
  const { ask } = request;
  const version = commonVersion(ask.versions);
  const id = proveIdentity(state, request);
  assertSameHistory(state, ask);
  if (state.frozen !== undefined) {
    if (ask.kind !== 'command') state.waiting.set(id, { id, ask, client: request.client });
    throw state.frozen;
  }
  assertNotReplaced(state, id, ask);
  if (state.seats.size >= MEMBERS_MOST && !state.seats.has(id)) {
    throw new MeshError('busy', `The mesh has ${MEMBERS_MOST} members, which is all it takes.`);
  }
  // Asked again after each wait: another join of this identity may have come in meanwhile.
  for (let older = state.seats.get(id); older !== undefined; older = state.seats.get(id))
    await endOlder(state, older, ask);
  if (request.isClosed()) throw new MeshError('closed', 'The connection ended before the join was answered.');
  const seat = admit(state, id, request);
  try {
    if (ask.kind !== 'command') await state.commit();
  } catch (error) {
    state.leave(seat);
    throw error;
  }
  if (state.seats.get(id) !== seat) throw replacedError(id);
  return { seat, joined: describe(state, version) };
}

/** The highest version that both speak; throws `bad-version`. */
export function commonVersion(versions: readonly number[]): number {
  const common = SPOKEN_VERSIONS.filter((version) => versions.includes(version));
  if (common.length > 0) return Math.max(...common);
  const text = `The server speaks version ${SPOKEN_VERSIONS.join(', ')} of the protocol, this member ${versions.join(', ')}`;
  throw new MeshError('bad-version', `${text}: reload the page, or install the release of the server.`);
}

export function replacedError(id: PeerId): MeshError {
  return new MeshError('replaced', `Another process of member ${shortId(id)} joined; this one has stopped.`);
}

function proveIdentity(state: MeshState, { ask, nonce }: JoinRequest): PeerId {
  const publicKey = fromHex(ask.publicKey);
  const signature = fromHex(ask.signature);
  if (publicKey !== undefined && signature !== undefined) {
    if (verify(signature, joinProof(nonce, state.name, ask.incarnation), publicKey)) return peerIdOf(publicKey);
  }
  throw new MeshError('forbidden', 'The signature of the join is not one of its public key.');
}

/** Refuses who belongs to another mesh, and freezes a mesh whose table is older than what a member knows. */
function assertSameHistory(state: MeshState, ask: Join): void {
  const { table } = state;
  if (ask.meshId !== undefined && ask.meshId !== table.meshId) {
    if (table.rows.length === 0) freeze(state, 'The server has no table of it, but a member knows one', BEGIN_ANEW);
    else {
      throw new MeshError(
        'wrong-mesh',
        `What this member stores belongs to another mesh than the server's ${state.name}: join the server it came from, or use another data folder.`,
      );
    }
  } else if (ask.known !== undefined && isBehind(table, ask.known)) {
    freeze(state, "The server's table is older than what a member knows", ADOPT);
  }
}

function freeze(state: MeshState, why: string, instead: string): void {
  if (state.frozen !== undefined) return;
  state.frozen = new MeshError(
    'stale-table',
    `Nothing changes in mesh ${state.name}. ${why}: put its newest file back and start the server again, or ${instead}.`,
  );
  state.context.logger.error('meshFrozen', { mesh: state.name, why });
}

function assertNotReplaced(state: MeshState, id: PeerId, ask: Join): void {
  const record = state.roster.get(id);
  if (record?.retired.includes(ask.incarnation) === true) throw replacedError(id);
}

/** Ends a connection of the same identity: an older incarnation is told why, a lost socket of this one is not. */
async function endOlder(state: MeshState, older: Seat, ask: Join): Promise<void> {
  if (older.incarnation !== ask.incarnation) {
    older.client.send('stop', { error: replacedError(older.id).toWire() });
    // Its own goodbye tells that it serves no more; to close here would tell nothing but ourselves.
    await ended(state, older);
    older.client.close();
    state.leave(older);
  } else {
    // Without a word to the others: the member stays, only its connection is another.
    older.client.close();
    if (state.seats.get(older.id) === older) state.seats.delete(older.id);
  }
}

async function ended(state: MeshState, seat: Seat): Promise<void> {
  const stop = new AbortController();
  const wait = sleep(state.context.clock, STOP_WAIT_MS, stop.signal).catch(() => undefined);
  await Promise.race([seat.gone.promise, wait]);
  stop.abort();
}

function admit(state: MeshState, id: PeerId, { ask, client }: JoinRequest): Seat {
  const { incarnation, kind, durability } = ask;
  const seat: Seat = { id, incarnation, kind, client, gone: createDeferred<void>() };
  state.seats.set(id, seat);
  state.awaySinceMs.delete(id);
  state.departed.delete(id);
  state.waiting.delete(id);
  if (state.beganMs.get(id)?.incarnation !== incarnation) {
    state.beganMs.set(id, { incarnation, atMs: state.context.clock.monotonicMs() });
  }
  state.setRoster(withMember(state.roster, entryOf(state, id, ask)));
  if (kind === 'command') return seat;
  const copy = { member: id, incarnation, durability };
  const { table } = state;
  if (table.rows.length > 0) reviveNow(state);
  else if (ask.weight > 0) state.change(firstRows(table.slotCount, copy));
  return seat;
}

export function entryOf(state: MeshState, id: PeerId, ask: Join): RosterEntry {
  const { incarnation, publicKey, kind, name, durability, ephemeral, workers, weight, freeBytes, domain } = ask;
  const seenAtMs = state.context.clock.wallMs();
  const status = ask.paused ? 'paused' : 'here';
  return {
    ...{ id, incarnation, publicKey, kind, name, durability, ephemeral, workers, freeBytes, domain, seenAtMs },
    weight: kind === 'command' ? 0 : weight,
    state: status,
  };
}

function describe(state: MeshState, version: number): Joined {
  const { durable, context } = state;
  return {
    version,
    mesh: state.name,
    meshId: durable.meshId,
    meshTimeMs: context.clock.wallMs(),
    replicas: state.replicas,
    slotCount: durable.slotCount,
    table: state.encodeWhole(),
    roster: rosterEntries(state.roster),
    moving: state.moving,
    iceServers: context.iceServers,
  };
}
