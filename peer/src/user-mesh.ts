// The `mesh` object that programs hold: the users' types over the parts of a member.

import { type Configuration, type Key, MeshError, type RosterEntry, requireKey, isReservedKey } from '@shoal/shared';
import type {
  CallOptions,
  CallTarget,
  GetOptions,
  KeyEntry,
  Mesh,
  MeshValue,
  NewerOptions,
  PutDone,
  PutOptions,
  ValueEntry,
} from './api.ts';
import type { PeerParts } from './assemble.ts';
import { dropDataset, listDatasets, openDataset } from './data/dataset.ts';
import { loadChunkCodec } from './data/load-chunk-codec.ts';
import { loadDataset } from './data/load.ts';
import { createLoadTidying } from './data/load-tidying.ts';
import { getMany } from './get-many.ts';
import { parsePattern } from './glob.ts';
import { decodeValue, encodeValue } from './media.ts';
import { askReport } from './member-report.ts';
import { drainMember, serveDraining } from './draining.ts';
import { canOthersOwn, untilHandedOver } from './leaving.ts';
import { lackOf } from './listing.ts';
import { createMessages } from './messages.ts';
import { createStatusView } from './status-view.ts';

export interface UserMesh {
  readonly mesh: Mesh;
  /** Something of the status changed. */
  changed(): void;
  rowsChanged(rows: readonly Configuration[]): void;
  rosterChanged(change: { readonly joined: readonly RosterEntry[]; readonly left: readonly RosterEntry[] }): void;
  ended(error: MeshError | undefined): void;
}

export function createUserMesh(parts: PeerParts): UserMesh {
  const { events, self, selfState, registration, values, compute, deps, router } = parts;
  const status = createStatusView(parts);
  const messages = createMessages({ services: router.services, logger: deps.logger });
  let over: MeshError | undefined;
  const open = (): void => {
    if (over !== undefined) throw over;
  };

  const mesh: Mesh = {
    id: self,
    get name() {
      return selfState.name;
    },
    on: events.on,
    status: status.read,
    slots: status.slots,
    statusOf: async (member, options) => {
      open();
      return askReport(router.services, findMember(member).id, options);
    },
    get: async (key, options) => (await getEntry(key, options))?.value,
    getEntry,
    getMany: (keys, options) => getMany({ clock: deps.clock, get: mesh.get }, keys, options),
    put,
    cas: (key, expected, value, options) => put(key, value, { ...options, expected }),
    delete: async (key, options) => {
      open();
      return values.delete(ownKey(key), options);
    },
    keys: (pattern, options) => listMatching(pattern ?? '*', options),
    call: async (udf, args, target) => compute.call(udf, args ?? [], aimed(target)),
    callMany: async (udf, argLists, target) => compute.callMany(udf, argLists, aimed(target)),
    send: async (member, topic, value, options) => {
      open();
      await messages.send(findMember(member).id, topic, value, options);
    },
    onMessage: messages.onMessage,
    ...datasetVerbs(parts, open),
    forget: async (member, options) => {
      open();
      return registration.request('forget', { member }, options);
    },
    recover: async (options) => {
      open();
      return registration.request('recover', {}, options);
    },
    drain: async (member, options) => {
      open();
      const asked = { clock: deps.clock, services: router.services, events, status: status.read };
      await drainMember(asked, findMember(member), options);
    },
    pause: (paused) => change({ paused }, () => compute.pause(paused)),
    setWorkers: (workers) => change({ workers }, () => compute.setWorkers(workers)),
    rename: (name) => change({ name }, () => undefined),
    leave,
  };

  function getEntry(text: string, options: NewerOptions): Promise<ValueEntry | 'unchanged' | undefined>;
  function getEntry(text: string, options?: GetOptions): Promise<ValueEntry | undefined>;
  async function getEntry(
    text: string,
    options: GetOptions & Partial<NewerOptions> = {},
  ): Promise<ValueEntry | 'unchanged' | undefined> {
    open();
    const { newerThan, ...rest } = options;
    const key = requireKey(text);
    const raw = await (newerThan === undefined ? values.get(key, rest) : router.values.getNewer(key, newerThan, rest));
    if (raw === undefined || raw === 'unchanged') return raw;
    // The caller's own: what the store gave may be what its cache holds.
    const bytes = raw.bytes.slice();
    return {
      value: decodeValue(bytes, raw.mediaType),
      bytes,
      mediaType: raw.mediaType,
      version: raw.version,
    };
  }

  async function put(text: string, value: MeshValue, options: PutOptions = {}): Promise<PutDone> {
    open();
    const key = ownKey(text);
    const encoded = encodeValue(value, `The value of "${text}"`, options.mediaType);
    return values.put(key, encoded.bytes, { ...options, mediaType: encoded.mediaType });
  }

  async function* listMatching(pattern: string, options: CallOptions = {}): AsyncIterable<KeyEntry> {
    open();
    const { prefix, matches } = parsePattern(pattern);
    for await (const entry of values.list(prefix, options)) {
      if (matches(entry.key) && (pattern.startsWith('~') || !entry.key.startsWith('~'))) yield entry;
    }
    const lack = lackOf(status.read().members);
    if (lack !== undefined) throw lack;
  }

  function aimed(target: CallTarget = {}): CallTarget {
    open();
    return target.member === undefined ? target : { ...target, member: findMember(target.member).id };
  }

  /** By id, beginning of an id, or name. */
  function findMember(text: string): RosterEntry {
    const roster = registration.roster();
    const exact = roster.filter((entry) => entry.id === text);
    const found =
      exact.length > 0
        ? exact
        : roster.filter((entry) => entry.name === text || (text.length >= 4 && entry.id.startsWith(text)));
    const [entry] = found;
    if (entry !== undefined && found.length === 1) return entry;
    throw new MeshError(
      'no-member',
      found.length === 0
        ? `There is no member "${text}" in the mesh.`
        : `"${text}" names ${found.length} members: give more of the id.`,
    );
  }

  async function change(
    update: { paused?: boolean; workers?: number; name?: string },
    apply: () => void,
  ): Promise<void> {
    open();
    await registration.update(update);
    Object.assign(selfState, update);
    apply();
    status.changed();
  }

  async function leave(options: CallOptions & { readonly handOver?: boolean } = {}): Promise<void> {
    if (options.handOver === true) {
      open();
      status.setLeaving(true);
      try {
        await registration.update({ leaving: true });
        await untilHandedOver(
          {
            clock: deps.clock,
            registration,
            self,
            events,
            isOver: () => over !== undefined || status.heldSlots() === 0,
          },
          options,
        );
      } catch (error) {
        status.setLeaving(false);
        await registration.update({ leaving: false }).catch(() => undefined);
        throw error;
      }
    }
    await parts.stop();
  }

  const stopDraining = serveDraining(router.services, {
    canOthersOwn: () => canOthersOwn({ registration, self }),
    leave: () => leave({ handOver: true }),
  });

  return {
    mesh,
    changed: status.changed,
    rowsChanged: (rows) => {
      events.emit('rangeMoved', { rows });
      status.changed();
    },
    rosterChanged: ({ joined, left }) => {
      for (const entry of joined) events.emit('memberJoined', status.memberView(entry));
      for (const entry of left) events.emit('memberLeft', { id: entry.id, name: entry.name });
      status.changed();
    },
    ended: (error) => {
      over = error ?? new MeshError('closed', 'This member has left the mesh.');
      messages.close();
      stopDraining();
      status.close();
      events.emit('stopped', { error });
    },
  };
}

type DatasetVerbs = Pick<Mesh, 'datasets' | 'dataset' | 'load' | 'drop' | 'run' | 'dryRun'>;

/** `open` throws once this member is out. */
function datasetVerbs({ values, compute, deps, incarnation }: PeerParts, open: () => void): DatasetVerbs {
  const { tidy } = createLoadTidying({ values, clock: deps.clock });
  return {
    datasets: async (options) => {
      open();
      const [infos] = await Promise.all([listDatasets(values, options), tidy(options)]);
      return infos;
    },
    dataset: async (name, options) => {
      open();
      return openDataset({ values, codec: loadChunkCodec }, name, options);
    },
    load: async (source, options) => {
      open();
      const { clock, random, readChunks } = deps;
      const tidying = tidy(options);
      try {
        return await loadDataset({ values, incarnation, clock, random, readChunks }, source, options);
      } finally {
        await tidying;
      }
    },
    drop: async (name, options) => {
      open();
      await dropDataset(values, name, options);
    },
    run: async (udf, options) => {
      open();
      return compute.run(udf, options);
    },
    dryRun: async (udf, rows, options) => {
      open();
      return compute.dryRun(udf, rows, options);
    },
  };
}

/** A key that users may write. */
function ownKey(text: string): Key {
  const key = requireKey(text);
  if (isReservedKey(key))
    throw new MeshError(
      'bad-key',
      `The key "${text}" begins with "~": those are Shoal's own, to be read and not written.`,
    );
  return key;
}
