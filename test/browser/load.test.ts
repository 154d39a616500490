// Loading a file in a real page: in a worker, by slices, while the page goes on.

import type { ReadItem, ReadOptions } from '@shoal/peer/read-chunks';
import { describe, expect, test } from 'vitest';
import { fileSource } from '../../web/src/adapters/file-source.ts';
import { createPageChunkReader } from '../../web/src/adapters/page-loader.ts';

const HEADER = 'n,name,when,share\n';
const LINES = Array.from(
  { length: 10_000 },
  (_, n) => `${n},"name, ${n % 97}",2024-01-${String((n % 28) + 1).padStart(2, '0')},${n / 8}\n`,
).join('');

/** Some 0.37 MB for each part; the parts share their bytes. */
function csvFile(parts: number): File {
  return new File([HEADER, ...Array.from({ length: parts }, () => LINES)], 'big.csv', { type: 'text/csv' });
}

async function readAll(
  file: File,
  options: ReadOptions = {},
  context: { signal?: AbortSignal } = {},
): Promise<readonly ReadItem[]> {
  const items: ReadItem[] = [];
  for await (const item of createPageChunkReader()(fileSource(file), options, context)) items.push(item);
  return items;
}

/** The longest task of the page's thread from now on, as the browser itself tells (it tells of those over 50 ms). */
function watchTasks(): { stop(): number } {
  const begin = performance.now();
  let longest = 0;
  const look = (entries: PerformanceEntryList): void => {
    // Those that began before are told of late.
    for (const { startTime, duration } of entries) if (startTime >= begin) longest = Math.max(longest, duration);
  };
  const observer = new PerformanceObserver((list) => look(list.getEntries()));
  observer.observe({ type: 'longtask' });
  return {
    stop: () => {
      look(observer.takeRecords());
      observer.disconnect();
      return longest;
    },
  };
}

describe('a load in the page', () => {
  test('reads 40 MB in a worker without stopping the page for 100 ms', async () => {
    const parts = 110;
    const file = csvFile(parts);
    const watch = watchTasks();

    const reader = createPageChunkReader()(fileSource(file), {}, {});
    let rows = 0;
    let summary: ReadItem | undefined;
    for await (const item of reader) {
      if (item.kind === 'chunk') rows += item.rows;
      if (item.kind === 'summary') summary = item;
    }
    const longest = watch.stop();

    expect(rows).toBe(parts * 10_000);
    expect(summary).toMatchObject({ counts: { rowCount: rows, sizeBytes: file.size, brokenLines: 0 } });
    expect(summary?.kind === 'summary' && summary.counts.columns.map(({ type }) => type)).toEqual([
      'int',
      'string',
      'timestamp',
      'float',
    ]);
    expect(longest).toBeLessThan(100);
  }, 60_000);

  test('stops at once when it is cancelled', async () => {
    const controller = new AbortController();
    const source = fileSource(csvFile(100));
    let chunks = 0;

    const reading = (async () => {
      for await (const item of createPageChunkReader()(source, {}, { signal: controller.signal })) {
        if (item.kind === 'chunk') chunks += 1;
        if (chunks === 3) controller.abort();
      }
    })();

    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
    expect(chunks).toBe(3);
  });

  test('tells what is wrong with a file in the words of the reader', async () => {
    await expect(readAll(new File([], 'empty.csv'))).rejects.toMatchObject({
      code: 'bad-file',
      message: '"empty.csv" is empty.',
    });
    await expect(readAll(new File(['{"a":1}'], 'one.json'))).rejects.toMatchObject({ code: 'bad-file' });
  });

  test('reads columns as text when told to', async () => {
    const items = await readAll(new File(['a,b\n1,2\n'], 't.csv'), { textColumns: ['a'] });

    expect(items.find(({ kind }) => kind === 'summary')).toMatchObject({
      counts: { columns: [{ type: 'string' }, { type: 'int' }] },
    });
  });

  test('reads a source that is no file on the page', async () => {
    const bytes = new TextEncoder().encode('a\n1\n');
    const source = {
      name: 't.csv',
      sizeBytes: bytes.length,
      slices: async function* () {
        yield bytes;
      },
    };
    const items: string[] = [];
    for await (const { kind } of createPageChunkReader()(source, {}, {})) items.push(kind);

    expect(items).toEqual(['progress', 'chunk', 'summary']);
  });
});
