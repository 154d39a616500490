// Range stores wired in memory: frames between them travel through the codec after a small delay, and a
// registrar in the same process keeps the table by compare-and-set. All on a virtual clock.

import {
  compareVersions,
  decodeFrame,
  encodeFrame,
  encodeRows,
  limits,
  makeRequestId,
  NO_PAYLOAD,
  packValues,
  parseIncarnation,
  parsePeerId,
  must,
  requireKey,
  silentLogger,
  slotOfKey,
  type Change,
  type Configuration,
  type GetFrame,
  type Incarnation,
  type Outcome,
  type PeerId,
  type PutFrame,
  type PutWrite,
  type Slot,
  type SlotFrame,
  type Version,
} from '@shoal/shared';
import {
  createMemoryStorage,
  type MemoryStorage,
  type MemoryStorageOptions,
} from '../../../../peer/src/adapters/memory/storage.ts';
import { createRangeStore, type RangeStore, type StoreAnswer } from '../../../../peer/src/store/range-store.ts';
import { createSeededRandom } from '../../../sim/seeded-random.ts';
import { createVirtualClock, type VirtualClock } from '../../../sim/virtual-clock.ts';

export const SLOTS = 16;

export interface Member {
  readonly name: string;
  readonly id: PeerId;
  incarnation: Incarnation;
  storage: MemoryStorage;
  store: RangeStore;
  mayServe: boolean;
  /** Of the rows that it was told. */
  tableEpoch: number;
  readonly fatal: unknown[];
  /** Frames that it sent, by kind. */
  readonly sent: Map<string, number>;
}

export interface Harness {
  readonly clock: VirtualClock;
  readonly rows: Configuration[];
  readonly members: Map<string, Member>;
  add(name: string, options?: MemoryStorageOptions): Member;
  /** A new process on the same storage; its slots are revived. */
  restart(name: string): Member;
  /** All slots to that member, empty: a mesh's first rows. */
  found(name: string): void;
  /** Wishes every slot at that member, or at those, owner first; carried out by whoever owns them. */
  wish(place: (slot: Slot) => string | readonly string[]): void;
  member(name: string): Member;
  ownerOf(slot: Slot): Member;
  cut(a: string, b: string): void;
  mend(a: string, b: string): void;
  /** Announces rows to everybody. */
  announce(rows: readonly Configuration[]): void;
  /** Set to refuse proposals. */
  refuse: ((change: Change) => string | undefined) | undefined;
  /** Set to lose frames between members, in silence. */
  lose: ((frame: SlotFrame, from: Member) => boolean) | undefined;
  /** Proposals wait while set. */
  registrarAway: Promise<void> | undefined;
  /** Repeats until the present owner has answered. */
  ask(frame: GetFrame | PutFrame, options?: { readonly signal?: AbortSignal }): Promise<StoreAnswer>;
  close(): Promise<void>;
}

/** One way between two members, or to the registrar. */
export const LATENCY_MS = 2;

export function createHarness({ slots = SLOTS }: { readonly slots?: number } = {}): Harness {
  const clock = createVirtualClock();
  const random = createSeededRandom(7);
  const members = new Map<string, Member>();
  const rows: Configuration[] = [];
  const cuts = new Set<string>();
  let lives = 0;
  const pair = (a: string, b: string): string => [a, b].toSorted().join('-');
  const byId = (id: PeerId): Member | undefined => [...members.values()].find((member) => member.id === id);

  const announce = (changed: readonly Configuration[]): void => {
    for (const row of changed) rows[row.slot] = row;
    for (const member of members.values()) {
      clock.setTimer(() => member.store.applyRows(changed), Math.ceil(random.next() * 2 * LATENCY_MS));
    }
  };

  const decide = (
    from: Member,
    change: Change,
  ): { readonly row: Configuration; readonly written: boolean; readonly reason?: string } => {
    const row = must(rows[change.slot], 'row');
    const no = (reason: string) => ({ row, written: false, reason });
    const refusal = harness.refuse?.(change);
    if (refusal !== undefined) return no(refusal);
    if (row.epoch !== change.epoch) return no('epoch');
    if (row.owner !== from.id || row.copies[0]?.incarnation !== from.incarnation) return no('not-a-copy');
    if (change.change.kind === 'settled') return { row: { ...row, settled: true }, written: true };
    if (change.change.kind !== 'hand-over') return no('one-copy');
    const { member, incarnation } = change.change;
    if (byId(member)?.incarnation !== incarnation) return no('incarnation');
    return {
      row: { ...row, epoch: row.epoch + 1, owner: member, copies: [{ member, incarnation, durability: 'relaxed' }] },
      written: true,
    };
  };

  const propose = async (from: Member, incarnation: Incarnation, changes: readonly Change[]): Promise<Outcome> => {
    await pause(LATENCY_MS);
    await harness.registrarAway;
    if (from.incarnation !== incarnation) return new Promise(() => undefined);
    const decided = changes.map((change) => decide(from, change));
    announce(decided.filter(({ written }) => written).map(({ row }) => row));
    await pause(LATENCY_MS);
    return {
      proposalId: 1,
      slots: decided.map(({ row, written, reason }) => ({
        slot: row.slot,
        written,
        ...(reason === undefined ? {} : { reason }),
      })),
      table: { term: 1, epoch: 1, rows: encodeRows(decided.map(({ row }) => row)) },
    };
  };

  const pause = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      clock.setTimer(resolve, delayMs);
    });

  const deliver = (from: Member, to: PeerId, frame: SlotFrame): boolean => {
    const target = byId(to);
    if (target === undefined || cuts.has(pair(from.name, target.name))) return false;
    from.sent.set(frame.kind, (from.sent.get(frame.kind) ?? 0) + 1);
    if (harness.lose?.(frame, from) === true) return true;
    const bytes = encodeFrame(frame);
    const { incarnation } = from;
    clock.setTimer(() => {
      const decoded = decodeFrame(bytes);
      if (!('ok' in decoded)) throw new Error(JSON.stringify(decoded.error));
      if (!cuts.has(pair(from.name, target.name))) target.store.receive(from.id, incarnation, decoded.ok as SlotFrame);
    }, LATENCY_MS);
    return true;
  };

  const open = (member: Member): void => {
    const { incarnation } = member;
    member.store = createRangeStore({
      self: member.id,
      incarnation,
      slotCount: slots,
      storage: member.storage,
      clock,
      random,
      logger: silentLogger,
      tombstoneMs: limits.tombstoneMs,
      retryMemoryMs: limits.retryMemoryMs,
      cacheBytes: 4_096,
      send: (to, frame) => deliver(member, to, frame),
      room: () => Promise.resolve(),
      line: () => undefined,
      propose: (changes) => propose(member, incarnation, changes),
      incarnationOf: (id) => {
        const other = byId(id);
        return other === undefined || cuts.has(pair(member.name, other.name)) ? undefined : other.incarnation;
      },
      meshNowMs: () => clock.wallMs(),
      mayServe: () => member.mayServe,
      table: () => ({ term: 1, epoch: member.tableEpoch }),
      replicas: () => 1,
      isConnected: () => harness.registrarAway === undefined,
      onFatal: (error) => void member.fatal.push(error),
      onChanged: () => undefined,
    });
  };

  const nextIncarnation = (): Incarnation => {
    lives += 1;
    return must(parseIncarnation(lives.toString(16).padStart(16, '0')), 'incarnation');
  };

  const harness: Harness = {
    clock,
    rows,
    members,
    refuse: undefined,
    lose: undefined,
    registrarAway: undefined,
    announce,
    add(name, storageOptions) {
      const id = must(parsePeerId((members.size + 1).toString(16).padStart(32, 'a')), 'id');
      const storage = createMemoryStorage(storageOptions);
      // The store is set by `open`, at once.
      const member: Member = {
        name,
        id,
        incarnation: nextIncarnation(),
        storage,
        store: undefined as never,
        mayServe: true,
        tableEpoch: 0,
        fatal: [],
        sent: new Map(),
      };
      members.set(name, member);
      open(member);
      member.store.applyRows(rows);
      return member;
    },
    restart(name) {
      const member = harness.member(name);
      void member.store.close();
      member.storage = member.storage.reopen();
      member.incarnation = nextIncarnation();
      open(member);
      member.store.applyRows(rows);
      for (const other of members.values()) if (other !== member) other.store.linkClosed(member.id);
      const { id, incarnation } = member;
      announce(
        rows
          .filter(({ owner }) => owner === id)
          .map((row) => ({
            ...row,
            epoch: row.epoch + 1,
            settled: false,
            copies: [{ member: id, incarnation, durability: 'relaxed' as const }],
          })),
      );
      return member;
    },
    found(name) {
      const { id, incarnation } = harness.member(name);
      announce(
        Array.from({ length: slots }, (_, slot) => ({
          slot: slot as Slot,
          epoch: 1,
          owner: id,
          copies: [{ member: id, incarnation, durability: 'relaxed' as const }],
          dropped: [],
          settled: true,
          emptyBefore: 1,
        })),
      );
    },
    wish(place) {
      for (const member of members.values()) {
        const slots = rows
          .filter(({ owner }) => owner === member.id)
          .map(({ slot }) => {
            const placed = place(slot);
            return {
              slot,
              copies: (typeof placed === 'string' ? [placed] : placed).map((name) => harness.member(name).id),
            };
          });
        const replicas = Math.max(1, ...slots.map(({ copies }) => copies.length));
        member.store.setWish({ replicas, slots });
      }
    },
    member: (name) => must(members.get(name), name),
    ownerOf: (slot) => must(byId(must(rows[slot], 'row').owner), 'owner'),
    cut(a, b) {
      cuts.add(pair(a, b));
      harness.member(a).store.linkClosed(harness.member(b).id);
      harness.member(b).store.linkClosed(harness.member(a).id);
    },
    mend(a, b) {
      cuts.delete(pair(a, b));
      harness.member(a).store.linkOpened(harness.member(b).id, harness.member(b).incarnation);
      harness.member(b).store.linkOpened(harness.member(a).id, harness.member(a).incarnation);
    },
    async ask(frame, { signal = new AbortController().signal } = {}) {
      let row = must(rows[frame.slot], 'row');
      const startMs = clock.monotonicMs();
      for (;;) {
        const owner = must(byId(row.owner), 'owner');
        await pause(LATENCY_MS);
        const now = { ...frame, epoch: row.epoch, ageMs: frame.ageMs + clock.monotonicMs() - startMs };
        const answer =
          now.kind === 'get' ? await owner.store.get(now, { signal }) : await owner.store.put(now, { signal });
        await pause(LATENCY_MS);
        if (answer.result.kind !== 'moved') return answer;
        row = answer.result.row;
      }
    },
    async close() {
      await Promise.all([...members.values()].map(({ store }) => store.close()));
    },
  };
  return harness;
}

let requests = 0;

export function nextId(): GetFrame['id'] {
  requests += 1;
  return makeRequestId(must(parseIncarnation('f'.repeat(16)), 'incarnation'), requests);
}

export function slotOf(text: string): Slot {
  return slotOfKey(requireKey(text), SLOTS);
}

export function getOf(text: string, more: Partial<GetFrame> = {}): GetFrame {
  const key = requireKey(text);
  return {
    kind: 'get',
    id: nextId(),
    ageMs: 0,
    remainingMs: 30_000,
    forwarded: false,
    slot: slotOfKey(key, SLOTS),
    epoch: 0,
    key,
    wait: false,
    ...more,
  };
}

export function putOf(
  text: string,
  value: string | undefined,
  more: Partial<PutFrame> & { readonly expected?: Version | null; readonly ttlMs?: number } = {},
): PutFrame {
  const { expected, ttlMs, ...rest } = more;
  const bytes = new TextEncoder().encode(value ?? '');
  const key = requireKey(text);
  const write: PutWrite = {
    key,
    op: value === undefined ? 'delete' : 'put',
    mediaType: 'text/plain',
    contentNamed: false,
    sizeBytes: bytes.length,
    ...(expected === undefined ? {} : { expected }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  };
  return {
    kind: 'put',
    id: nextId(),
    ageMs: 0,
    remainingMs: 30_000,
    forwarded: false,
    slot: slotOfKey(key, SLOTS),
    epoch: 0,
    minCopies: 1,
    writes: [write],
    payload: value === undefined ? NO_PAYLOAD : packValues([bytes]),
    ...rest,
  };
}

export function textOf(answer: StoreAnswer): string | undefined {
  return answer.result.kind === 'value' ? new TextDecoder().decode(answer.payload) : undefined;
}

export function versionOfAnswer({ result }: StoreAnswer): Version {
  if ('version' in result && result.version !== undefined) return result.version;
  throw new Error(`No version in ${JSON.stringify(result)}`);
}

export { compareVersions };

/** Lets virtual time pass until the promise settles. */
export async function until<T>(clock: VirtualClock, promise: Promise<T>, maxMs = 60_000): Promise<T> {
  let isDone = false;
  promise.then(
    () => (isDone = true),
    () => (isDone = true),
  );
  await clock.settle();
  for (let passed = 0; !isDone; passed += 1) {
    if (passed > maxMs) throw new Error(`Not done after ${maxMs} virtual ms`);
    await clock.advance(1);
  }
  return promise;
}
