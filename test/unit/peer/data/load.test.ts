import { createSystemClock, createSystemRandom, MeshError } from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import { loadChunkCodec } from '../../../../peer/src/data/load-chunk-codec.ts';
import { dropDataset, listDatasets, openDataset } from '../../../../peer/src/data/dataset.ts';
import { readDatasetRecord } from '../../../../peer/src/data/dataset-record.ts';
import { loadDataset } from '../../../../peer/src/data/load.ts';
import type { LoadOptions, LoadProgress, LoadSource } from '../../../../peer/src/api.ts';
import { createMemoryValues, INCARNATION, type MemoryValues } from './memory-values.ts';
import { textSource } from './sources.ts';

const load = (values: MemoryValues, source: LoadSource, options: LoadOptions) =>
  loadDataset(
    { values, incarnation: INCARNATION, clock: createSystemClock(), random: createSystemRandom() },
    source,
    options,
  );
const open = (values: MemoryValues, name: string) => openDataset({ values, codec: loadChunkCodec }, name);

/** 12 chunks. */
const manyRows = textSource(
  'many.csv',
  `n,s\n${Array.from({ length: 12 * 8192 - 5 }, (_, n) => `${n},row ${n}`).join('\n')}`,
);
const fewRows = textSource('few.csv', 'n,s\n1,one\n2,two\n3,\n');

describe('a load', () => {
  test('puts its own record first, chunks under names of their content, and the record of the dataset last', async () => {
    const values = createMemoryValues();
    const order: string[] = [];
    values.beforePut = (key) => void order.push(key);

    const info = await load(values, manyRows, { name: 'many' });

    expect(info).toMatchObject({ name: 'many', rowCount: 98_299, chunkCount: 12, source: 'many.csv', brokenLines: 0 });
    expect(order[0]).toMatch(/^~load\/[0-9a-f]{32}$/);
    expect(order.at(-1)).toBe('~dataset/many');
    expect(order.slice(1, -1).every((key) => /^~chunk\/[0-9a-f]{32}\/\d+\/[0-9a-f]{64}$/.test(key))).toBe(true);
    expect([...values.kept.values()].filter(({ contentNamed }) => contentNamed)).toHaveLength(12);
  });

  test('has at most eight puts open', async () => {
    const values = createMemoryValues();
    values.beforePut = () => new Promise((resolve) => setImmediate(resolve));

    await load(values, manyRows, { name: 'many' });

    expect(values.mostOpen()).toBe(8);
  });

  test('tells how far it is', async () => {
    const seen: LoadProgress[] = [];

    await load(createMemoryValues(), manyRows, { name: 'many', onProgress: (progress) => seen.push(progress) });

    expect(seen.at(-1)).toEqual({
      bytesRead: manyRows.sizeBytes,
      sizeBytes: manyRows.sizeBytes,
      rows: 98_299,
      chunksPut: 12,
    });
    expect(seen.map(({ bytesRead }) => bytesRead)).toEqual(
      seen.map(({ bytesRead }) => bytesRead).toSorted((a, b) => a - b),
    );
  });

  test('that is cancelled leaves no key', async () => {
    const values = createMemoryValues();
    const controller = new AbortController();
    values.beforePut = (key) => {
      if (key.includes('/10/')) controller.abort();
    };

    await expect(load(values, manyRows, { name: 'many', signal: controller.signal })).rejects.toMatchObject({
      code: 'aborted',
    });

    expect([...values.kept.keys()]).toEqual([]);
  });

  test('of which one put fails leaves no key, and rejects with that failure', async () => {
    const values = createMemoryValues();
    values.beforePut = (key) => {
      if (key.includes('/7/')) throw new MeshError('storage-full', 'No room.');
    };

    await expect(load(values, manyRows, { name: 'many' })).rejects.toMatchObject({ code: 'storage-full' });

    expect([...values.kept.keys()]).toEqual([]);
  });

  test('whose record can not be written leaves no key', async () => {
    const values = createMemoryValues();
    values.beforePut = (key) => {
      if (key.startsWith('~dataset/')) throw new MeshError('owner-away', 'Away.');
    };

    await expect(load(values, manyRows, { name: 'many' })).rejects.toMatchObject({ code: 'owner-away' });

    expect([...values.kept.keys()]).toEqual([]);
  });

  test('of a file that ends wrongly leaves no key', async () => {
    const values = createMemoryValues();
    const broken = textSource('a.json', `[${Array.from({ length: 20_000 }, (_, n) => `{"n":${n}}`).join(',')}`);

    await expect(load(values, broken, { name: 'broken' })).rejects.toMatchObject({ code: 'bad-file' });

    expect([...values.kept.keys()]).toEqual([]);
  });

  test('closes its source however it ends', async () => {
    let closed = 0;
    const source: LoadSource = {
      ...manyRows,
      async *slices(options) {
        try {
          yield* manyRows.slices(options);
        } finally {
          closed += 1;
        }
      },
    };
    const values = createMemoryValues();
    await load(values, source, { name: 'one' });
    values.beforePut = () => {
      throw new MeshError('storage', 'Broken.');
    };
    await expect(load(values, source, { name: 'two' })).rejects.toMatchObject({ code: 'storage' });

    expect(closed).toBe(2);
  });

  test('refuses a name that is taken, and one that is no name', async () => {
    const values = createMemoryValues();
    await load(values, fewRows, { name: 'few' });
    const before = [...values.kept.keys()];

    await expect(load(values, manyRows, { name: 'few' })).rejects.toMatchObject({
      code: 'exists',
      message: expect.stringContaining('"few"'),
    });
    for (const name of ['', '~x', 'a/b', ' a', '.', 'x'.repeat(65)])
      await expect(load(values, fewRows, { name })).rejects.toMatchObject({ code: 'bad-argument' });

    expect([...values.kept.keys()]).toEqual(before);
  });

  test('replaces a dataset, and deletes the chunks of the old one', async () => {
    const values = createMemoryValues();
    await load(values, manyRows, { name: 'data' });
    await load(values, fewRows, { name: 'data', replace: true });

    expect(await (await open(values, 'data')).head(5)).toEqual([
      { n: 1, s: 'one' },
      { n: 2, s: 'two' },
      { n: 3, s: null },
    ]);
    expect(values.kept.size).toBe(2);
    expect((await readDatasetRecord(values, 'data')).leftovers).toEqual([]);
  });

  test('of two at once under one name lets one win, and leaves nothing of the other', async () => {
    const values = createMemoryValues();

    const outcomes = await Promise.allSettled([
      load(values, fewRows, { name: 'data' }),
      load(values, manyRows, { name: 'data' }),
    ]);

    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const { chunks } = await readDatasetRecord(values, 'data');
    expect(values.kept.size).toBe(chunks.length + 1);
  });

  test('gives up when its time is over, and leaves nothing', async () => {
    const values = createMemoryValues();
    values.beforePut = () => new Promise(() => undefined);

    await expect(load(values, fewRows, { name: 'slow', timeoutMs: 30 })).rejects.toMatchObject({ code: 'deadline' });

    expect(values.kept.size).toBe(0);
  });
});

describe('a dataset', () => {
  test('shows its first rows, also over several chunks', async () => {
    const values = createMemoryValues();
    await load(values, manyRows, { name: 'many' });
    const dataset = await open(values, 'many');

    expect(await dataset.head(2)).toEqual([
      { n: 0, s: 'row 0' },
      { n: 1, s: 'row 1' },
    ]);
    expect((await dataset.head(9000)).at(-1)).toEqual({ n: 8999, s: 'row 8999' });
    expect(await dataset.head(0)).toEqual([]);
  });

  test('asks the members where its chunks lie', async () => {
    const values = createMemoryValues();
    await load(values, manyRows, { name: 'many' });

    expect(await (await open(values, 'many')).whereabouts()).toMatchObject([{ name: 'ada', chunks: 12 }]);
  });

  test('of a header alone has no rows and no chunks', async () => {
    const values = createMemoryValues();
    await load(values, textSource('h.csv', 'a,b\n'), { name: 'header' });

    expect(await (await open(values, 'header')).head(5)).toEqual([]);
  });

  test('is listed by name until it is dropped, with its chunks', async () => {
    const values = createMemoryValues();
    await load(values, fewRows, { name: 'zebra' });
    await load(values, fewRows, { name: 'ant' });
    expect((await listDatasets(values)).map(({ name }) => name)).toEqual(['ant', 'zebra']);

    await dropDataset(values, 'ant');

    expect((await listDatasets(values)).map(({ name }) => name)).toEqual(['zebra']);
    expect(values.kept.size).toBe(2);
    await expect(open(values, 'ant')).rejects.toMatchObject({
      code: 'no-dataset',
      message: expect.stringContaining('"ant"'),
    });
    await expect(dropDataset(values, 'ant')).rejects.toMatchObject({ code: 'no-dataset' });
  });

  test('whose dropping failed on the way is gone for readers, and can be dropped again or loaded anew', async () => {
    const values = createMemoryValues();
    await load(values, manyRows, { name: 'many' });
    const { delete: realDelete } = values;
    let away = true;
    Object.assign(values, {
      delete: async (...args: Parameters<typeof realDelete>) => {
        if (away && args[0].includes('/3/')) throw new MeshError('owner-away', 'Away.');
        return realDelete(...args);
      },
    });

    await expect(dropDataset(values, 'many')).rejects.toMatchObject({ code: 'owner-away' });
    await expect(open(values, 'many')).rejects.toMatchObject({ code: 'no-dataset' });
    expect(await listDatasets(values)).toEqual([]);
    await load(values, fewRows, { name: 'many' });
    expect((await open(values, 'many')).info.rowCount).toBe(3);

    away = false;
    await dropDataset(values, 'many');
    expect(values.kept.size).toBe(0);
  });

  test('says so when what lies at its name is no record', async () => {
    const values = createMemoryValues();
    for (const text of ['', '{}', '[1]', '{"format":1,"id":"x"}']) {
      await values.put('~dataset/odd' as never, new TextEncoder().encode(text), { mediaType: 'application/json' });
      await expect(open(values, 'odd')).rejects.toMatchObject({ code: 'bad-value' });
    }
  });
});
