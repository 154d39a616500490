// This member's standing with the registrar: joining on each connection, the table and the roster as last
// heard, the wish, and proposals that are repeated until their outcome is known. Configurations are
// believed only from here (REPLICATION, rules 1, 2, 5 and 9).

import {
  abortable,
  type Change,
  type Clock,
  type Configuration,
  createDeferred,
  createEmitter,
  type HandOverWanted,
  type IceServer,
  type Incarnation,
  type Join,
  type Joined,
  limits,
  type Logger,
  MeshError,
  type MeshId,
  type Outcome,
  type PeerId,
  type RegistrarEventName,
  type RegistrarEvents,
  type RegistrarRequests,
  type RelayedSignal,
  type RosterEntry,
  type Slot,
  sleep,
  type Subscribable,
  type TableEpoch,
  toMeshError,
  type Update,
  type Wish,
} from '@shoal/shared';
import type { Identity } from '../identity.ts';
import type { Rendezvous } from '../ports/rendezvous.ts';
import { createEventTurns } from './event-turns.ts';
import { joinAsk } from './join-ask.ts';
import { createMeshTime } from './mesh-time.ts';
import { createProposals } from './proposals.ts';
import { createRosterView } from './roster-view.ts';
import { createTableView } from './table-view.ts';

export type RegistrarState = 'connected' | 'connecting' | 'lost' | 'refused';

export interface RegistrationEvents {
  /** Joined, first and after each lost connection; the table is as new as the registrar's. */
  joined: Joined;
  rowsChanged: { readonly rows: readonly Configuration[] };
  rosterChanged: { readonly joined: readonly RosterEntry[]; readonly left: readonly RosterEntry[] };
  wishChanged: Wish;
  /** Slots that should be elsewhere, or the copies that there should be. */
  movingChanged: undefined;
  handOverWanted: HandOverWanted;
  reportAsked: RegistrarEvents['report-all'];
  signalReceived: RelayedSignal;
  hearsAsked: RegistrarEvents['who-hears'];
  stateChanged: RegistrarState;
  /** The registrar was heard. */
  heard: undefined;
  /** Out for good: replaced, refused. */
  stopped: MeshError;
}

export interface RegistrationDeps {
  readonly rendezvous: Rendezvous;
  readonly identity: Identity;
  readonly incarnation: Incarnation;
  readonly mesh: string;
  /** From the data folder; a registrar of another mesh is refused. */
  readonly meshId: MeshId | undefined;
  readonly known: TableEpoch | undefined;
  /** What this member says of itself when it joins. */
  readonly describe: () => Pick<
    Join,
    'kind' | 'name' | 'durability' | 'ephemeral' | 'weight' | 'workers' | 'paused' | 'freeBytes' | 'domain'
  >;
  /** Before the first join: nothing changes in the mesh, since its table is lost or old. It waits and tries again; absent, it is refused. */
  readonly onFrozen?: ((error: MeshError) => void) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the registrar said when it last let this member in. */
export interface Standing {
  readonly slotCount: number;
  /** Copies that each slot should have. */
  readonly replicas: number;
  readonly meshId: MeshId | undefined;
  readonly iceServers: readonly IceServer[];
  /** Slots that should be elsewhere, as `encodeSlotSet` gives them. */
  readonly moving: Uint8Array;
}

export interface Registration extends Subscribable<RegistrationEvents> {
  readonly state: RegistrarState;
  readonly table: TableEpoch;
  readonly standing: Standing;
  /** The registrar's row. */
  row(slot: Slot): Configuration | undefined;
  /** Where to ask for a slot: the registrar's row, or a newer one that a member sent. */
  route(slot: Slot): Configuration | undefined;
  rows(): readonly Configuration[];
  member(id: PeerId): RosterEntry | undefined;
  roster(): readonly RosterEntry[];
  /** Mesh time: the registrar's clock. */
  meshNowMs(): number;
  /** Connects; resolves when joined for the first time, rejects when refused. */
  start(options?: { readonly signal?: AbortSignal }): Promise<Joined>;
  /** A row that another member sent with `moved`; true if it is news. It shows where to ask, and nothing else. */
  learn(row: Configuration): boolean;
  propose(changes: readonly Change[]): Promise<Outcome>;
  request<Name extends 'update' | 'forget' | 'recover' | 'adopt' | 'report' | 'goodbye' | 'table' | 'signal'>(
    name: Name,
    ask: RegistrarRequests[Name]['ask'],
    options?: { readonly signal?: AbortSignal },
  ): Promise<RegistrarRequests[Name]['answer']>;
  update(update: Update): Promise<void>;
  answerHears(question: number, members: readonly PeerId[]): void;
  /** Asks for the table whatever is known; true when it is here. */
  refresh(): Promise<boolean>;
  close(): Promise<void>;
}

export function createRegistration(deps: RegistrationDeps): Registration {
  const { rendezvous, clock, logger } = deps;
  const emitter = createEmitter<RegistrationEvents>((error, name) => logger.error('listenerThrew', { name, error }));
  const roster = createRosterView((change) => emitter.emit('rosterChanged', change));
  const first = createDeferred<Joined>();
  first.promise.catch(() => undefined); // whoever waits hears of it; nobody may be waiting
  const closing = new AbortController();
  const meshTime = createMeshTime(clock);
  const table = createTableView(deps.known, (rows) => emitter.emit('rowsChanged', { rows }));
  let state: RegistrarState = 'connecting';
  let isStopped = false;
  let challenge: string | undefined;
  const turns = createEventTurns(clock);
  let standing: Standing = { slotCount: 0, replicas: 1, meshId: deps.meshId, iceServers: [], moving: new Uint8Array() };

  const proposals = createProposals({
    ask: (propose) => rendezvous.request('propose', propose, { signal: closing.signal }),
    isConnected: () => state === 'connected',
    onRows: table.applyRows,
    signal: closing.signal,
    clock,
    logger,
  });

  function setState(next: RegistrarState): void {
    if (state === next) return;
    state = next;
    emitter.emit('stateChanged', next);
  }

  function stop(error: MeshError): void {
    isStopped = true;
    setState('refused');
    first.reject(error);
    emitter.emit('stopped', error);
  }

  async function join(nonce: string): Promise<void> {
    const askedMs = meshTime.ask();
    const known = table.isHere || deps.known !== undefined ? table.epoch : undefined;
    const joined = await rendezvous.request('join', joinAsk(deps, nonce, { meshId: standing.meshId, known }), {
      signal: closing.signal,
    });
    meshTime.measured(joined.meshTimeMs, askedMs);
    const { meshId, slotCount, replicas, iceServers, moving } = joined;
    standing = { meshId, slotCount, replicas, iceServers, moving };
    table.apply(joined.table);
    roster.replace(joined.roster);
    setState('connected');
    emitter.emit('joined', joined);
    first.resolve(joined);
    proposals.resend();
  }

  function onDelta(delta: RegistrarEvents['delta']): void {
    const place = table.place(delta);
    if (place === 'next') table.apply(delta);
    else if (place === 'gap') void refresh();
  }

  async function refresh(): Promise<boolean> {
    try {
      table.apply(await rendezvous.request('table', {}, { signal: closing.signal }));
      return true;
    } catch (error) {
      // The next connection brings the whole table anyhow.
      logger.debug('tableNotRefreshed', { error: toMeshError(error).code });
      return false;
    }
  }

  function onEvent<Name extends RegistrarEventName>(name: Name, payload: RegistrarEvents[Name]): void {
    const received = { name, payload } as {
      [N in RegistrarEventName]: { name: N; payload: RegistrarEvents[N] };
    }[RegistrarEventName];
    switch (received.name) {
      case 'delta':
        return onDelta(received.payload);
      case 'roster':
        return roster.change(received.payload.changed, received.payload.gone);
      case 'wish':
        return emitter.emit('wishChanged', received.payload);
      case 'moving':
        standing = { ...standing, replicas: received.payload.replicas, moving: received.payload.slots };
        return emitter.emit('movingChanged', undefined);
      case 'hand-over-wanted':
        return emitter.emit('handOverWanted', received.payload);
      case 'report-all':
        return emitter.emit('reportAsked', received.payload);
      case 'signal':
        return emitter.emit('signalReceived', received.payload);
      case 'stop':
        return stop(MeshError.fromWire(received.payload.error));
      case 'still-there':
        return rendezvous.note('here', { number: received.payload.number });
      case 'who-hears':
        return emitter.emit('hearsAsked', received.payload);
      case 'challenge':
        return;
    }
  }

  return {
    get state() {
      return state;
    },
    get table() {
      return table.epoch;
    },
    get standing() {
      return standing;
    },
    on: emitter.on,
    row: table.row,
    rows: table.rows,
    route: table.route,
    member: roster.member,
    roster: roster.all,
    meshNowMs: meshTime.nowMs,
    start: (options) => {
      connect();
      return abortable(first.promise, options?.signal);
    },
    learn: table.hint,
    propose: proposals.propose,
    request: (name, ask, options) => rendezvous.request(name, ask, options),
    update: async (update) => {
      await rendezvous.request('update', update, { signal: closing.signal });
    },
    answerHears: (question, members) => rendezvous.note('hears', { question, members: [...members] }),
    refresh,
    close: async () => {
      closing.abort(new MeshError('closed', 'This member has left the mesh.'));
      proposals.close();
      await rendezvous.close();
    },
  };

  function connect(): void {
    rendezvous.connect({
      up: ({ nonce }) => tryJoin((challenge = nonce)),
      down: (reason) => {
        logger.info('registrarLost', { reason });
        if (!isStopped) setState(table.isHere ? 'lost' : 'connecting');
      },
      heard: () => emitter.emit('heard', undefined),
      refused: (error) => stop(toMeshError(error)),
      event: (name, payload) => turns.take(() => onEvent(name, payload)),
    });
  }

  function tryJoin(nonce: string): void {
    turns.hold();
    join(nonce)
      .catch((error: unknown) => onJoinFailed(toMeshError(error), nonce))
      .finally(turns.releaseSoon);
  }

  function onJoinFailed(error: MeshError, nonce: string): void {
    // A lost connection comes back and brings a new challenge.
    if (error.code === 'no-registrar' || error.code === 'aborted' || error.code === 'closed') return;
    // A registrar on a lost or old file is no reason to stop: it may be started again on the right one, or
    // adopt a table, to which this one's storage may belong.
    const isFrozen = error.code === 'stale-table' && deps.onFrozen !== undefined;
    const isOfTheFile = isFrozen || (table.isHere && (error.code === 'stale-table' || error.code === 'wrong-mesh'));
    if (!error.retryable && !isOfTheFile) return stop(error);
    logger.warn('joinRefused', { code: error.code, message: error.message });
    if (isOfTheFile) setState('refused');
    if (isFrozen && !table.isHere) deps.onFrozen?.(error);
    void sleep(clock, limits.wishMs, closing.signal).then(
      () => challenge === nonce && tryJoin(nonce), // a newer connection joins by its own
      () => undefined,
    );
  }
}
