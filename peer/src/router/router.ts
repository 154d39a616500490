// From frame kind to handler: the one place where a frame is looked at, and from which answers leave.
// Handlers and slot machines give frames; the router sends them.

import {
  abortable,
  type Clock,
  type DataFrame,
  type Frame,
  type FramePriority,
  type GetFrame,
  type Incarnation,
  type Key,
  type Logger,
  type MemberKind,
  MeshError,
  NO_PAYLOAD,
  type PeerId,
  type PutFrame,
  type RequestId,
  shortId,
  type Slot,
  type SlotFrame,
  slotOfKey,
  toMeshError,
} from '@shoal/shared';
import type { MeshLinks } from '../mesh/mesh.ts';
import type { Registration } from '../mesh/registration.ts';
import { noRoomToSend } from '../store/admission.ts';
import type { RangeStore, StoreAnswer } from '../store/range-store.ts';
import { createInboundRequests } from './inbound-requests.ts';
import { createReach } from './reach.ts';
import { createRequests } from './requests.ts';
import { blobPriority, createServices, type RoutedServices } from './services.ts';
import { createRoutedValues, type RoutedValues, type RoutedValuesDeps } from './values.ts';

export interface RouterDeps {
  readonly self: PeerId;
  readonly kind: MemberKind;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly links: MeshLinks;
  readonly store: RangeStore;
  readonly registration: Registration;
  nextRequestId(): RequestId;
  lost: RoutedValuesDeps['lost'];
}

export interface Router {
  readonly services: RoutedServices;
  readonly values: RoutedValues;
  slotOf(key: Key): Slot;
  /** False without a link, or when its queue is full: what the frame was for is taken up again by epochs and digests. */
  sendSlotFrame(to: PeerId, frame: SlotFrame): boolean;
  /** `incarnation`: of the process at the other end of the link. */
  receive(from: PeerId, incarnation: Incarnation, frame: Frame): void;
  linkClosed(member: PeerId, reason: string): void;
  /** Requests that this member works on, and those it has open: for leak tests and metrics. */
  counts(): { readonly inbound: number; readonly open: number };
  close(): void;
}

export function createRouter(deps: RouterDeps): Router {
  const { clock, links, store, registration, self } = deps;
  const requests = createRequests<StoreAnswer, never>();
  const inbound = createInboundRequests(clock);
  /** Open requests of each slot, and whom they were sent to. */
  const asked = new Map<Slot, Map<RequestId, PeerId>>();
  const { reach, waitForLink } = createReach({ clock, links, registration });
  const nameOf = (member: PeerId): string => registration.member(member)?.name ?? shortId(member);
  const slotOf = (key: Key): Slot => slotOfKey(key, registration.standing.slotCount);

  const services = createServices({
    self,
    clock,
    inbound,
    nextRequestId: deps.nextRequestId,
    nameOf,
    send: (to, frame, priority) => links.send(to, frame, priority),
    unsend: (to, id) => links.unsend(to, id),
    room: (to, signal) => links.room(to, { signal }),
    reach,
  });

  async function request(to: PeerId, frame: GetFrame | PutFrame, signal: AbortSignal): Promise<StoreAnswer> {
    await links.room(to, { signal });
    const answer = requests.open(frame.id, to);
    const ofSlot = asked.get(frame.slot) ?? new Map<RequestId, PeerId>();
    asked.set(frame.slot, ofSlot.set(frame.id, to));
    try {
      links.send(to, frame, frame.kind === 'put' ? blobPriority(frame.payload) : 1);
      return await abortable(answer, signal);
    } catch (error) {
      requests.drop(frame.id);
      if (signal.aborted) cancel(to, frame.id);
      throw error;
    } finally {
      ofSlot.delete(frame.id);
      if (ofSlot.size === 0) asked.delete(frame.slot);
    }
  }

  /** An owner of before that is cut off from the registrar can't tell that the slot is another's: that one is asked. */
  const stopRows = registration.on('rowsChanged', ({ rows }) => {
    for (const { slot, owner } of rows) {
      for (const [id, to] of asked.get(slot) ?? []) {
        if (to === owner) continue;
        requests.reject(id, to, new MeshError('link-lost', `Slot ${slot} moved before ${to} answered.`));
        cancel(to, id);
      }
    }
  });

  function cancel(to: PeerId, id: RequestId): void {
    links.unsend(to, id);
    trySend(to, { kind: 'cancel', id }, 0);
  }

  const trySend = createTrySend(links, deps.logger);

  async function serve(from: PeerId, frame: GetFrame | PutFrame): Promise<void> {
    try {
      await inbound.run(from, frame, async (signal) => {
        const answer = await local(frame, signal, (bytes) => links.fits(from, bytes));
        await reply(from, frame.id, answer, signal);
      });
    } catch (thrown) {
      const error = toMeshError(thrown);
      // Who cancelled or is gone asks for nothing; who ran out of time has told its caller already.
      if (error.code === 'aborted' || error.code === 'link-lost' || error.code === 'deadline') return;
      trySend(from, refused(frame.id, error), 1);
    }
  }

  /** A value that has no room in the queue is let go, or those who take nothing would fill the memory. */
  async function reply(from: PeerId, id: RequestId, answer: StoreAnswer, signal: AbortSignal): Promise<void> {
    if (trySend(from, { kind: 'data', id, ...answer }, blobPriority(answer.payload))) return;
    const isLarge = answer.payload.byteLength > 0;
    const again: DataFrame = { kind: 'data', id, ...(isLarge ? noRoomToSend() : answer) };
    await links.room(from, { signal });
    trySend(from, again, 1);
  }

  function local(
    frame: GetFrame | PutFrame,
    signal: AbortSignal,
    fits?: (bytes: number) => boolean,
  ): Promise<StoreAnswer> {
    const options = fits === undefined ? { signal } : { signal, fits };
    return frame.kind === 'get' ? store.get(frame, options) : store.put(frame, { signal });
  }

  const values = createRoutedValues({
    self,
    clock,
    slotCount: () => registration.standing.slotCount,
    nextRequestId: deps.nextRequestId,
    row: (slot) => registration.route(slot),
    learn: (row) => registration.learn(row),
    nameOf,
    whyUnreachable: (member) =>
      (registration.member(member)?.state ?? 'away') === 'away' ? undefined : links.whyClosed(member),
    lost: deps.lost,
    isOpen: (member) => links.isOpen(member),
    reachOrChange: waitForLink,
    request,
    local,
  });

  function receive(from: PeerId, incarnation: Incarnation, frame: Frame): void {
    switch (frame.kind) {
      case 'get':
      case 'put':
        void serve(from, frame);
        return;
      case 'data':
        requests.resolve(frame.id, from, { result: frame.result, payload: frame.payload });
        return;
      case 'blob':
        services.receive(from, frame);
        return;
      case 'cancel':
        inbound.cancel(from, frame.id);
        return;
      case 'hello':
      case 'heartbeat':
      case 'alive':
      case 'goodbye':
      case 'credit':
      case 'forward':
      case 'forwarded':
        return; // the links' own
      default:
        store.receive(from, incarnation, frame);
    }
  }

  return {
    services,
    values,
    slotOf,
    sendSlotFrame: (to, frame) => trySend(to, frame, slotFramePriority(frame)),
    receive,
    linkClosed: (member, reason) => {
      requests.linkClosed(member, reason);
      services.linkClosed(member, reason);
      inbound.linkClosed(member);
      store.linkClosed(member);
    },
    counts: () => ({ inbound: inbound.size, open: requests.size }),
    close: () => {
      stopRows();
      inbound.close();
    },
  };
}

function refused(id: RequestId, error: MeshError): DataFrame {
  return { kind: 'data', id, result: { kind: 'refused', error: error.toWire() }, payload: NO_PAYLOAD };
}

type TrySend = (to: PeerId, frame: Frame, priority: FramePriority) => boolean;

function createTrySend(links: MeshLinks, logger: Logger): TrySend {
  return (to, frame, priority) => {
    try {
      links.send(to, frame, priority);
      return true;
    } catch (error) {
      logger.debug('frameNotSent', { to, kind: frame.kind, code: toMeshError(error).code });
      return false;
    }
  };
}

/** Acknowledgements first; what carries values is bulk, the rest small. */
function slotFramePriority(frame: SlotFrame): FramePriority {
  if (frame.kind === 'stored' || frame.kind === 'resign' || frame.kind === 'other-epoch') return 0;
  return 'payload' in frame ? blobPriority(frame.payload) : 1;
}
