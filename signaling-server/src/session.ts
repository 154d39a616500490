// One connection at the registrar: admits each message by its limits, parses it, and hands it to the
// mesh. What is wrong becomes an answer; nothing that a client sends throws further.

import {
  adoptSchema,
  forgetSchema,
  hearsSchema,
  hereSchema,
  joinSchema,
  lookupSchema,
  MeshError,
  proposeSchema,
  randomHex,
  recoverSchema,
  reportSchema,
  signalSchema,
  toMeshError,
  updateSchema,
  type Answer,
  type RegistrarNotes,
  type RegistrarRequestName,
  type RegistrarRequests,
} from '@shoal/shared';
import { ClientLimits } from './client-limits.ts';
import { HeldClient } from './held-client.ts';
import type { MeshContext, Seat } from './mesh-state.ts';
import type { Mesh } from './mesh.ts';
import { parsePayload } from './payload.ts';
import type { RegistrarClient, RegistrarSession } from './registrar-api.ts';
import type { Relay } from './relay.ts';

/** A connection that has not joined by then is ended; a `lookup` needs no longer. */
const JOIN_WITHIN_MS = 60_000;

type Handlers = {
  readonly [Name in RegistrarRequestName]: (payload: unknown) => Promise<RegistrarRequests[Name]['answer']>;
};

export interface SessionDeps {
  readonly mesh: Mesh;
  readonly context: MeshContext;
  readonly client: RegistrarClient;
  readonly relay: Relay;
  /** In the first seconds of a registrar nobody knows who is alive. */
  isInDoubt(): boolean;
  onEnded(): void;
}

export function createSession(deps: SessionDeps): RegistrarSession {
  const { mesh, context } = deps;
  const client = new HeldClient(deps.client, context.clock);
  const limits = new ClientLimits(context.clock.monotonicMs());
  const nonce = randomHex(context.random, 16);
  let seat: Seat | undefined;
  let isJoining = false;
  let hasLeft = false;
  let isEnded = false;
  const stopWaiting = context.clock.setTimer(() => {
    if (seat === undefined && !isJoining) client.close();
  }, JOIN_WITHIN_MS);

  const joined = (): Seat => {
    if (seat === undefined) throw new MeshError('forbidden', 'This connection has not joined the mesh.');
    return seat;
  };

  const join = async (payload: unknown): Promise<RegistrarRequests['join']['answer']> => {
    const ask = parsePayload('join', joinSchema, payload);
    if (hasLeft) throw new MeshError('forbidden', 'This member has said goodbye; it joins again by a new connection.');
    if (seat !== undefined || isJoining) throw new MeshError('forbidden', 'This connection has joined already.');
    isJoining = true;
    client.hold();
    try {
      const result = await mesh.join({ ask, nonce, client, isClosed: () => isEnded });
      ({ seat } = result);
      client.forgetHeld();
      mesh.answered(result.seat);
      return result.joined;
    } finally {
      isJoining = false;
      client.releaseSoon();
    }
  };

  const goodbye = (): Record<string, never> => {
    const leaver = joined();
    seat = undefined;
    hasLeft = true;
    mesh.leave(leaver, 'goodbye');
    return {};
  };

  const handlers: Handlers = {
    join,
    lookup: async (payload) => {
      const { members } = parsePayload('lookup', lookupSchema, payload);
      const { seats, roster } = mesh.state;
      return { alive: members.map((id) => seats.has(id) || (deps.isInDoubt() && roster.has(id))) };
    },
    table: async () => (joined(), mesh.wholeTable()),
    update: async (payload) => (mesh.update(joined(), parsePayload('update', updateSchema, payload)), {}),
    signal: async (payload) => (
      deps.relay.send(mesh.state, joined(), parsePayload('signal', signalSchema, payload)),
      {}
    ),
    propose: async (payload) => mesh.propose(joined(), parsePayload('propose', proposeSchema, payload)),
    forget: async (payload) => (joined(), mesh.forget(parsePayload('forget', forgetSchema, payload).member)),
    recover: async (payload) => (joined(), mesh.recover(parsePayload('recover', recoverSchema, payload))),
    adopt: async (payload) => mesh.adopt(parsePayload('adopt', adoptSchema, payload)),
    report: async (payload) => (mesh.adopting.report(client, parsePayload('report', reportSchema, payload)), {}),
    goodbye: async () => goodbye(),
  };

  const admit = (name: string, payload: unknown): void => {
    const admission = limits.admit(name, payload, context.clock.monotonicMs());
    if (admission === 'granted') return;
    if (admission === 'abuse') {
      context.logger.warn('clientCutOff', { mesh: mesh.state.name, member: seat?.id });
      client.close();
    }
    throw new MeshError('busy', `Too much ${name} from this connection: wait a second.`);
  };

  client.send('challenge', { nonce });
  return {
    async request<Name extends RegistrarRequestName>(
      name: Name,
      payload: unknown,
    ): Promise<Answer<RegistrarRequests[Name]['answer']>> {
      try {
        if (isEnded) throw new MeshError('closed', 'The connection has ended.');
        admit(name, payload);
        return { ok: await handlers[name](payload) };
      } catch (thrown) {
        const error = toMeshError(thrown);
        if (error.code === 'internal') context.logger.error('requestFailed', { request: name, error });
        return { error: error.toWire() };
      }
    },
    note(name: keyof RegistrarNotes, payload: unknown): void {
      try {
        if (isEnded) return;
        admit(name, payload);
        if (name === 'hears') mesh.questions.answer(joined(), parsePayload('hears', hearsSchema, payload));
        else mesh.presences.here(joined(), parsePayload('here', hereSchema, payload).number);
      } catch (thrown) {
        context.logger.warn('noteRefused', { note: name, error: toMeshError(thrown).message });
      }
    },
    disconnected(): void {
      if (isEnded) return;
      isEnded = true;
      stopWaiting();
      client.ended();
      mesh.ended(client);
      if (seat !== undefined) mesh.leave(seat);
      else if (isJoining) {
        // The join ends by itself: it finds the connection closed, or its seat left.
        for (const waiting of mesh.state.seats.values()) if (waiting.client === client) mesh.leave(waiting);
      }
      seat = undefined;
      deps.onEnded();
    },
  };
}
