// Members of a registrar in the same process, for tests: each keeps what it was sent.

import {
  createKeyPair,
  decodeRows,
  joinProof,
  must,
  parseIncarnation,
  peerIdOf,
  randomHex,
  sign,
  silentLogger,
  toHex,
  type Answer,
  type Change,
  type Configuration,
  type Incarnation,
  type Join,
  type Joined,
  type KeyPair,
  type PeerId,
  type Random,
  type RegistrarEventName,
  type RegistrarRequestName,
  type RegistrarRequests,
  type Wish,
} from '@shoal/shared';
import {
  createMemoryTables,
  createRegistrar,
  type MemoryTables,
  type Registrar,
  type RegistrarSession,
} from '@shoal/signaling-server';
import { createVirtualClock, type VirtualClock } from '../../sim/virtual-clock.ts';

export interface World {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly tables: MemoryTables;
  readonly registrar: Registrar;
}

/** Random numbers from a counter: the same in each run. */
export function createCountingRandom(seed = 1): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return { next, bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)) };
}

export interface WorldOptions {
  readonly slotCount?: number;
  readonly before?: World;
  readonly tables?: MemoryTables;
  readonly replicas?: number | 'auto';
}

export function createWorld(options: WorldOptions = {}): World {
  const clock = options.before?.clock ?? createVirtualClock();
  const random = options.before?.random ?? createCountingRandom();
  const tables = options.tables ?? options.before?.tables ?? createMemoryTables();
  const { slotCount = 16, replicas = 1 } = options;
  const registrar = createRegistrar({ clock, random, tables, logger: silentLogger, slotCount, replicas });
  return { clock, random, tables, registrar };
}

export interface Event {
  readonly name: RegistrarEventName;
  readonly payload: unknown;
}

export class Member {
  readonly name: string;
  readonly keyPair: KeyPair;
  readonly id: PeerId;
  readonly events: Event[] = [];
  incarnation: Incarnation;
  isClosed = false;
  /** Whether it answers `still-there`. */
  isAwake = true;
  /** Whom it says that it hears. */
  hears: readonly Member[] | undefined;
  /** What it answers `report-all`. */
  onReport: ((number: number) => unknown) | undefined;
  session: RegistrarSession | undefined;
  joined: Joined | undefined;
  readonly #world: World;
  #proposals = 1_000;

  constructor(world: World, name: string, keyPair = createKeyPair(world.random)) {
    this.#world = world;
    this.name = name;
    this.keyPair = keyPair;
    this.id = peerIdOf(keyPair.publicKey);
    this.incarnation = newIncarnation(world);
  }

  /** Its next process, or the same one with another server. */
  again(world: World, options: { sameProcess?: boolean } = {}): Member {
    const next = new Member(world, this.name, this.keyPair);
    if (options.sameProcess === true) next.incarnation = this.incarnation;
    return next;
  }

  async connect(mesh = 'main'): Promise<void> {
    this.session = await this.#world.registrar.connect(mesh, {
      send: (name, payload) => {
        this.events.push({ name, payload });
        // As a process does that is told to stop.
        if (name === 'stop') queueMicrotask(() => this.drop());
        this.#answer(name, payload);
      },
      close: () => this.drop(),
    });
  }

  async tryJoin(overrides: Partial<Join> = {}, mesh = 'main'): Promise<Answer<Joined>> {
    if (this.session === undefined) await this.connect(mesh);
    const { nonce } = must(this.last('challenge') as { nonce: string } | undefined, 'challenge');
    const answer = await this.ask('join', {
      publicKey: toHex(this.keyPair.publicKey),
      signature: toHex(sign(joinProof(nonce, mesh, this.incarnation), this.keyPair.secretKey)),
      incarnation: this.incarnation,
      versions: [1],
      kind: 'node',
      name: this.name,
      durability: 'strict',
      ephemeral: false,
      weight: 1,
      workers: 1,
      paused: false,
      freeBytes: 1_000_000,
      domain: 'here',
      ...overrides,
    });
    if ('ok' in answer) this.joined = answer.ok;
    return answer;
  }

  async join(overrides: Partial<Join> = {}): Promise<Joined> {
    const answer = await this.tryJoin(overrides);
    if ('error' in answer) throw new Error(`${this.name}: ${answer.error.code}: ${answer.error.message}`);
    return answer.ok;
  }

  async ask<Name extends RegistrarRequestName>(
    name: Name,
    payload: unknown,
  ): Promise<Answer<RegistrarRequests[Name]['answer']>> {
    return must(this.session, 'session').request(name, payload);
  }

  #answer(name: RegistrarEventName, payload: unknown): void {
    if (name === 'still-there' && this.isAwake) queueMicrotask(() => this.session?.note('here', payload));
    if (name === 'report-all') void this.#report(payload as { readonly number: number });
    if (name !== 'who-hears' || this.hears === undefined) return;
    const { question } = payload as { readonly question: number };
    const members = this.hears.map(({ id }) => id);
    queueMicrotask(() => this.session?.note('hears', { question, members }));
  }

  async #report({ number }: { readonly number: number }): Promise<void> {
    if (this.onReport === undefined) return;
    const answer = await this.ask('report', this.onReport(number));
    if ('error' in answer) throw new Error(answer.error.message);
  }

  /** Proposes one change of one slot; the reason if it was refused. */
  async propose(slot: number, change: Change['change'], epoch?: number): Promise<string | undefined> {
    const row = (await this.rows())[slot];
    const proposal = { slot, epoch: epoch ?? row?.epoch, change };
    this.#proposals += 1;
    const asking = this.ask('propose', { proposalId: this.#proposals, changes: [proposal] });
    await this.#world.clock.advance(0);
    const answer = await asking;
    if ('error' in answer) throw new Error(answer.error.message);
    const [outcome] = answer.ok.slots;
    return outcome?.written === true ? undefined : outcome?.reason;
  }

  drop(): void {
    this.isClosed = true;
    this.session?.disconnected();
  }

  all(name: RegistrarEventName): readonly unknown[] {
    return this.events.filter((event) => event.name === name).map(({ payload }) => payload);
  }

  last(name: RegistrarEventName): unknown {
    return this.all(name).at(-1);
  }

  async rows(): Promise<readonly Configuration[]> {
    const answer = await this.ask('table', {});
    if ('error' in answer) throw new Error(answer.error.message);
    return must(decodeRows(answer.ok.rows), 'rows');
  }
}

export async function joinAs(world: World, name: string, overrides: Partial<Join> = {}): Promise<Member> {
  const member = new Member(world, name);
  await member.join(overrides);
  return member;
}

export function newIncarnation(world: World): Incarnation {
  return must(parseIncarnation(randomHex(world.random, 8)), 'incarnation');
}

/** How many slots each member owns, by name. */
export function counts(rows: readonly Configuration[], members: readonly Member[]): Record<string, number> {
  return Object.fromEntries(members.map(({ name, id }) => [name, rows.filter(({ owner }) => owner === id).length]));
}

/** Carries out its wish, as an owner does when the taker has everything. */
export async function handOver(member: Member, members: readonly Member[], proposalId: number): Promise<number> {
  const wish = member.last('wish') as Wish | undefined;
  const rows = await member.rows();
  const changes = (wish?.slots ?? []).flatMap(({ slot, copies: [to] }) => {
    const row = rows[slot];
    const taker = members.find(({ id }) => id === to);
    if (row === undefined || taker === undefined || row.owner !== member.id) return [];
    return [{ slot, epoch: row.epoch, change: { kind: 'hand-over', member: to, incarnation: taker.incarnation } }];
  });
  if (changes.length === 0) return 0;
  const answer = await member.ask('propose', { proposalId, changes });
  if ('error' in answer) throw new Error(answer.error.message);
  return answer.ok.slots.filter(({ written }) => written).length;
}
