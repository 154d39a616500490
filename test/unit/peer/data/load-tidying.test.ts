// What a loader that is gone leaves behind, and how the others remove it, whoever comes first.

import fc from 'fast-check';
import {
  createDeferred,
  createSystemRandom,
  type Incarnation,
  isMeshError,
  MeshError,
  type PeerId,
} from '@shoal/shared';
import { beforeEach, describe, expect, test } from 'vitest';
import type { LoadSource } from '../../../../peer/src/api.ts';
import { readStoredDataset } from '../../../../peer/src/data/dataset-record.ts';
import { createLoadTidying } from '../../../../peer/src/data/load-tidying.ts';
import { loadDataset } from '../../../../peer/src/data/load.ts';
import type { ReadChunks } from '../../../../peer/src/data/read-chunks.ts';
import type { Values } from '../../../../peer/src/ports/values.ts';
import { createVirtualClock, type VirtualClock } from '../../../sim/virtual-clock.ts';
import { ADA, createMemoryValues, type MemoryValues } from './memory-values.ts';

const CHUNKS = 5;
const GRACE_MS = 15_000;
/** Operations of a load: it looks for the name, writes its record, puts chunks, writes the dataset's record, deletes its own. */
const HALFWAY = 5;
const WRITTEN = 2 + CHUNKS + 1;
const BEN = { ...ADA, id: '1'.repeat(32) as PeerId, incarnation: '1'.repeat(16) as Incarnation, name: 'ben' };
const SOURCE: LoadSource = { name: 'a.csv', sizeBytes: 1, slices: async function* none() {} };

/** Ben loads, Ada tidies. */
let values: MemoryValues;
let clock: VirtualClock;

beforeEach(() => {
  values = createMemoryValues();
  clock = createVirtualClock();
  values.roster = [ADA, BEN];
});

describe('a loader that is killed', () => {
  test('leaves a record and chunks, which are removed when it was missing for a while', async () => {
    await loadUntilKilled(HALFWAY);
    await load(values, 'other');
    values.roster = [ADA];
    expect(kept('~load/')).toBe(1);
    expect(kept('~chunk/')).toBeGreaterThan(CHUNKS);

    await tidy();
    expect(kept('~load/')).toBe(1);
    await clock.advance(GRACE_MS);
    await tidy();

    expect(kept('~load/')).toBe(0);
    expect(kept('~chunk/')).toBe(CHUNKS);
    expect(kept('~dataset/')).toBe(1);
  });

  test('is known by its incarnation: a new process of the same member is not the loader', async () => {
    await loadUntilKilled(HALFWAY);
    values.roster = [ADA, { ...BEN, incarnation: '2'.repeat(16) as Incarnation }];

    await tidyTwice();

    expect([...values.kept.keys()]).toEqual([]);
  });

  test('leaves the dataset standing if it had written its record', async () => {
    await loadUntilKilled(WRITTEN);
    values.roster = [ADA];

    await tidyTwice();

    expect(kept('~load/')).toBe(0);
    expect(kept('~chunk/')).toBe(CHUNKS);
    expect((await readStoredDataset(values, 'data'))?.record.chunks).toHaveLength(CHUNKS);
  });

  test('is not tidied up after while a member is away that may hold chunks', async () => {
    await loadUntilKilled(HALFWAY);
    values.roster = [ADA, { ...BEN, id: '3'.repeat(32) as PeerId, state: 'away' }];
    const before = [...values.kept.keys()];

    await tidyTwice();

    expect([...values.kept.keys()]).toEqual(before);
  });

  test('is tidied up after by others if the first fails on the way', async () => {
    await loadUntilKilled(HALFWAY);
    values.roster = [ADA];
    await tidy();
    await clock.advance(GRACE_MS);
    let isAway = true;
    await tidy(
      changed(values, {
        delete: async (key, options) => {
          if (isAway && key.includes('/1/')) throw new MeshError('link-lost', 'Away.');
          return values.delete(key, options);
        },
      }),
    );
    expect(kept('~load/')).toBe(1);
    expect(kept('~chunk/')).toBe(1);

    isAway = false;
    await tidy();

    expect([...values.kept.keys()]).toEqual([]);
  });
});

describe('a loader that only seemed to be gone', () => {
  test('goes on undisturbed when it is back in time', async () => {
    const { loading, goOn } = loadThatWaits();
    await clock.settle();
    values.roster = [ADA];
    await tidy();
    values.roster = [ADA, BEN];
    await clock.advance(GRACE_MS);
    await tidy();
    values.roster = [ADA];
    await tidy();
    goOn();

    expect((await loading).chunkCount).toBe(CHUNKS);
    expect(kept('~load/')).toBe(0);
    expect(kept('~chunk/')).toBe(CHUNKS);
  });

  test('is told when it comes back too late, and then nothing of it is left', async () => {
    const { loading, goOn } = loadThatWaits();
    await clock.settle();
    values.roster = [ADA];
    await tidyTwice();
    expect(kept('~load/')).toBe(0);
    goOn();

    await expect(loading).rejects.toMatchObject({ code: 'no-registrar', message: expect.stringContaining('"data"') });
    expect([...values.kept.keys()]).toEqual([]);
  });
});

test('a load that could not tidy up after itself is tidied up after while its loader is there', async () => {
  let isAway = true;
  const loader = changed(asBen(values), {
    put: async (key, bytes, options) => {
      if (key.includes('/3/')) throw new MeshError('storage-full', 'No room.');
      return values.put(key, bytes, options);
    },
    delete: async (key, options) => {
      if (isAway && key.includes('/1/')) throw new MeshError('link-lost', 'Away.');
      return values.delete(key, options);
    },
  });
  await expect(load(loader, 'data')).rejects.toMatchObject({ code: 'storage-full' });
  expect(kept('~chunk/')).toBe(1);

  isAway = false;
  await tidy();

  expect([...values.kept.keys()]).toEqual([]);
});

test('looks at most once in ten seconds, and never rejects', async () => {
  let lists = 0;
  const failing = changed(values, {
    list: () => {
      lists += 1;
      throw new MeshError('link-lost', 'Away.');
    },
  });
  const { tidy: look } = createLoadTidying({ values: failing, clock });

  await look();
  await look();
  await clock.advance(10_000);
  await look();

  expect(lists).toBe(2);
});

describe('in whatever order they act', () => {
  test('of a loader that others take for gone and three tidiers, the dataset stands whole or nothing is left', async () => {
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        values = createMemoryValues();
        const loading = outcomeOf(load(scheduled(scheduler, asBen(values)), 'data'));
        const tidying = [1, 2, 3].map(() => tidy(scheduled(scheduler, longMissed(values))));
        await scheduler.waitFor(Promise.all([...tidying, loading]));
        const outcome = await loading;
        outcomes.add(outcome);

        await tidy(longMissed(values));
        expect(await isWhole()).toBe(outcome === 'loaded');
      }),
      { numRuns: 500 },
    );
    expect([...outcomes].toSorted()).toEqual(['loaded', 'no-registrar']);
  });

  test('three tidiers after a loader that was killed anywhere leave the dataset whole or nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat(WRITTEN + 1), async (scheduler, operations) => {
        values = createMemoryValues();
        await loadUntilKilled(operations);
        const tidying = [1, 2, 3].map(() => tidy(scheduled(scheduler, longMissed(values))));
        await scheduler.waitFor(Promise.all(tidying));

        await tidy(longMissed(values));
        expect(await isWhole()).toBe(operations >= WRITTEN);
      }),
      { numRuns: 200 },
    );
  });
});

function outcomeOf(loading: Promise<unknown>): Promise<string> {
  return loading.then(
    () => 'loaded',
    (error: unknown) => (isMeshError(error) ? error.code : String(error)),
  );
}

/** False if nothing is left; anything between fails. */
async function isWhole(): Promise<boolean> {
  const chunks = (await readStoredDataset(values, 'data'))?.record.chunks ?? [];
  const keys = [...values.kept.keys()];
  expect(keys.filter((key) => key.startsWith('~chunk/')).toSorted()).toEqual(chunks.map(({ key }) => key).toSorted());
  expect(keys).toHaveLength(chunks.length === 0 ? 0 : CHUNKS + 1);
  return chunks.length > 0;
}

function tidy(over: Values = values): Promise<void> {
  return createLoadTidying({ values: over, clock }).tidy();
}

async function tidyTwice(): Promise<void> {
  await tidy();
  await clock.advance(GRACE_MS);
  await tidy();
}

function load(over: Values, name: string) {
  const deps = { values: over, incarnation: BEN.incarnation, clock, random: createSystemRandom(), readChunks };
  return loadDataset(deps, SOURCE, { name });
}

const readChunks: ReadChunks = async function* few() {
  for (let index = 0; index < CHUNKS; index += 1) {
    const hash = `${index}`.repeat(64);
    yield { kind: 'chunk', index, rows: 1, firstRow: index, bytes: new Uint8Array(8), hash, bytesRead: index };
  }
  yield { kind: 'summary', counts: { rowCount: CHUNKS, sizeBytes: CHUNKS, columns: [], brokenLines: 0 } };
};

/** Ben's process ends after so many operations on the mesh. */
async function loadUntilKilled(operations: number): Promise<void> {
  void load(killed(asBen(values), operations), 'data');
  await clock.settle();
}

/** A load whose dataset's record is written when the test says so. */
function loadThatWaits() {
  const told = createDeferred<void>();
  const loader = changed(asBen(values), {
    put: async (key, bytes, options) => {
      if (key.startsWith('~dataset/')) await told.promise;
      return values.put(key, bytes, options);
    },
  });
  return { loading: load(loader, 'data'), goOn: told.resolve };
}

function kept(prefix: string): number {
  return [...values.kept.keys()].filter((key) => key.startsWith(prefix)).length;
}

function changed(over: Values, changes: Partial<Values>): Values {
  return { ...over, members: () => values.roster, ...changes };
}

function asBen(over: Values): Values {
  return changed(over, { self: BEN.id });
}

/** After so many operations its process is gone: nothing happens any more, and nothing is answered. */
function killed(over: Values, operations: number): Values {
  let done = 0;
  const guard = async (): Promise<void> => {
    done += 1;
    if (done > operations) await new Promise(() => undefined);
  };
  return around(over, guard);
}

function scheduled(scheduler: fc.Scheduler, over: Values): Values {
  return around(over, (name) => scheduler.schedule(Promise.resolve(), name));
}

function around(over: Values, before: (name: string) => Promise<void>): Values {
  return changed(over, {
    get: async (key, options) => {
      await before(`get ${key}`);
      return over.get(key, options);
    },
    put: async (key, bytes, options) => {
      await before(`put ${key}`);
      return over.put(key, bytes, options);
    },
    delete: async (key, options) => {
      await before(`delete ${key}`);
      return over.delete(key, options);
    },
    async *list(prefix, options) {
      await before(`list ${prefix}`);
      yield* over.list(prefix, options);
    },
  });
}

/** To whom each loader has been missing for long. */
function longMissed(over: Values): Values {
  return changed(over, {
    get: async (key, options) => {
      const raw = await over.get(key, options);
      if (raw === undefined || !key.startsWith('~load/')) return raw;
      const record = JSON.parse(new TextDecoder().decode(raw.bytes)) as object;
      return { ...raw, bytes: new TextEncoder().encode(JSON.stringify({ ...record, missedAtMs: 0 })) };
    },
  });
}
