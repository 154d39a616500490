// One mesh at the registrar: its state with the parts that work on it.

import {
  limits,
  MeshError,
  type Adopt,
  type Adopted,
  type EncodedTable,
  type Joined,
  type Outcome,
  type PeerId,
  type Propose,
  type Recover,
  type RecoveredSlot,
  type Update,
} from '@shoal/shared';
import { Adopting } from './adopting.ts';
import { GivingUp } from './giving-up.ts';
import { joinMesh, type JoinRequest } from './joining.ts';
import { loadMesh, type MeshContext, type MeshState, type Seat } from './mesh-state.ts';
import { Proposals } from './proposals.ts';
import { Questions } from './questions.ts';
import { recoverSlots } from './recovering.ts';
import { Reviving } from './reviving.ts';
import type { RegistrarClient } from './registrar-api.ts';
import { withUpdate } from './roster.ts';
import { Presences } from './still-there.ts';
import { WishSchedule } from './wish.ts';

export class Mesh {
  readonly state: MeshState;
  readonly questions = new Questions();
  readonly presences = new Presences();
  readonly #proposals = new Proposals(this.presences);
  readonly adopting: Adopting;
  readonly #wish: WishSchedule;
  readonly #givingUp: GivingUp;
  readonly #reviving: Reviving;

  constructor(state: MeshState, isNew: boolean) {
    this.state = state;
    this.#wish = new WishSchedule(state, isNew ? 0 : state.context.wishQuietMs);
    this.adopting = new Adopting(state);
    this.#givingUp = new GivingUp(state, this.questions);
    this.#givingUp.watch();
    this.#reviving = new Reviving(state, this.questions, () => this.#wish.request());
  }

  async join(request: JoinRequest): Promise<{ readonly seat: Seat; readonly joined: Joined }> {
    const result = await joinMesh(this.state, request);
    this.#wish.told(result.seat, result.joined.replicas);
    this.#wish.request();
    return result;
  }

  /** What it is asked before its join is answered is not sent. */
  answered(seat: Seat): void {
    this.presences.joined(seat);
    this.#reviving.look();
  }

  /** Who says goodbye can't take it back: its process counts as gone (REPLICATION, rule 23). */
  leave(seat: Seat, how: 'goodbye' | 'lost' = 'lost'): void {
    const { state } = this;
    const isHere = state.seats.get(seat.id) === seat;
    state.leave(seat);
    if (how === 'goodbye' && isHere && state.roster.has(seat.id)) state.departed.set(seat.id, seat.incarnation);
    this.#reviving.look();
    this.questions.left(seat);
    this.#wish.request();
    this.#givingUp.watch();
  }

  update(seat: Seat, update: Update): void {
    this.state.setRoster(withUpdate(this.state.roster, seat.id, update));
    if (update.leaving !== undefined) this.#wish.request();
  }

  async propose(seat: Seat, propose: Propose): Promise<Outcome> {
    if (seat.kind === 'command') throw new MeshError('forbidden', 'A command owns nothing and proposes nothing.');
    const outcome = await this.#proposals.propose(this.state, seat, propose);
    // Written for a process that is gone since.
    if (this.state.seats.get(seat.id) !== seat) this.#reviving.look();
    this.#wish.request();
    return outcome;
  }

  async forget(text: string): Promise<{ readonly member: PeerId; readonly slots: number }> {
    const forgotten = await this.#givingUp.forget(text);
    this.#reviving.look();
    this.#wish.request();
    return forgotten;
  }

  async recover(ask: Recover): Promise<{ readonly slots: readonly RecoveredSlot[] }> {
    const recovered = await recoverSlots(this.state, this.questions, ask);
    this.#wish.request();
    return recovered;
  }

  async adopt(ask: Adopt): Promise<Adopted> {
    const adopted = await this.adopting.adopt(ask);
    this.#reviving.look();
    this.#wish.request();
    return adopted;
  }

  /** A connection that had not joined has ended. */
  ended(client: RegistrarClient): void {
    this.adopting.ended(client);
    for (const [id, waiting] of this.state.waiting) if (waiting.client === client) this.state.waiting.delete(id);
  }

  wholeTable(): EncodedTable {
    return this.state.encodeWhole();
  }

  async close(): Promise<void> {
    this.#wish.close();
    this.#givingUp.close();
    this.#reviving.close();
    this.adopting.close();
    this.questions.close();
    this.presences.close();
    this.state.close();
    // Who was seen last, and when, is worth a last write, but not more.
    if (this.state.isFounded) await this.state.commit().catch(() => undefined);
  }
}

/** Rejects with `stale-table` if the file is damaged, with `storage` if the new term can't be written. */
export async function openMesh(name: string, context: MeshContext): Promise<Mesh> {
  if (name.length > limits.nameChars)
    throw new MeshError('bad-argument', `A mesh's name has at most ${limits.nameChars} characters.`);
  const { state, isNew } = await loadMesh(name, context);
  return new Mesh(state, isNew);
}
