// Loads whose loader is gone for good, killed or closed on the way: found by their records, and removed
// with their chunks. Done now and then by whoever lists datasets or loads one; never in anybody's way.

import { type Clock, createDeadline, type Key, MeshError, type RosterEntry, throwIfAborted } from '@shoal/shared';
import type { RawOptions, Values } from '../ports/values.ts';
import { LOAD_PREFIX, type LoadRecord, readLoad, removeLoad, type StoredLoad, writeLoad } from './load-record.ts';

/** A loader that lost the server comes back by itself: so long it has to be missing. */
const LOADER_GRACE_MS = 15_000;
/** Each time costs the members a listing. */
const AGAIN_AFTER_MS = 10_000;
const TIME_MOST_MS = 10_000;
/** Looked at in one go; the rest another time. */
const LOADS_MOST = 100;

export interface LoadTidying {
  /** Looks over all loads, unless that was done just now. Never rejects: what can't be done now is done another time. */
  tidy(options?: RawOptions): Promise<void>;
}

export function createLoadTidying({ values, clock }: { readonly values: Values; readonly clock: Clock }): LoadTidying {
  let nextMs = 0;
  return {
    async tidy({ signal } = {}) {
      const nowMs = clock.monotonicMs();
      if (nowMs < nextMs) return;
      nextMs = nowMs + AGAIN_AFTER_MS;
      const deadline = createDeadline(clock, TIME_MOST_MS, {
        outer: signal,
        reason: () => new MeshError('deadline', 'Tidying up after loads took too long.'),
      });
      try {
        await tidyLoads(values, clock.wallMs(), { signal: deadline.signal, timeoutMs: TIME_MOST_MS });
      } catch {
        // Somebody could not be asked. The records are still there for the next time.
      } finally {
        deadline.end();
      }
    },
  };
}

async function tidyLoads(values: Values, nowMs: number, options: RawOptions): Promise<void> {
  // Chunks that lie on a member that is away can neither be listed nor deleted.
  if (values.members().some(({ state }) => state === 'away')) return;
  const keys: Key[] = [];
  for await (const { key } of values.list(LOAD_PREFIX, options)) if (keys.push(key) >= LOADS_MOST) break;
  for (const key of keys) {
    try {
      const stored = await readLoad(values, key, options);
      if (stored !== undefined) await tidyLoad(values, stored, { nowMs, options });
    } catch {
      // Somebody else was first, or a member left meanwhile: this one another time.
      throwIfAborted(options.signal);
    }
  }
}

interface Look {
  readonly nowMs: number;
  readonly options: RawOptions;
}

async function tidyLoad(values: Values, { record, version }: StoredLoad, { nowMs, options }: Look): Promise<void> {
  const { missedAtMs, ...unmarked } = record;
  const write = async (next: LoadRecord): Promise<void> =>
    void (await writeLoad(values, next, { ...options, expected: version }));
  if (record.state === 'deleting') return removeLoad(values, { record, version }, options);
  if (values.members().some((entry) => isLoader(entry, record))) {
    if (missedAtMs !== undefined) await write(unmarked);
    return undefined;
  }
  const missedMs = missedAtMs === undefined ? -1 : nowMs - missedAtMs;
  if (missedMs < 0) return write({ ...unmarked, missedAtMs: nowMs });
  return missedMs < LOADER_GRACE_MS ? undefined : removeLoad(values, { record, version }, options);
}

function isLoader(entry: RosterEntry, { member, incarnation }: LoadRecord): boolean {
  return entry.id === member && entry.incarnation === incarnation;
}
