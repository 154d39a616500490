import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openFileSource } from '../../../node-peer/src/file-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'shoal-file-source-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file on disk', () => {
  test('is read in slices of at most 4 MiB, and by range', async () => {
    const path = join(folder, 'big.bin');
    const bytes = new Uint8Array(9 * 1024 * 1024 + 3).map((_, index) => index % 251);
    writeFileSync(path, bytes);
    const source = await openFileSource(path);

    const sizes: number[] = [];
    let sum = 0;
    for await (const slice of source.slices({})) {
      sizes.push(slice.length);
      for (const byte of slice) sum += byte;
    }

    expect(source).toMatchObject({ name: 'big.bin', sizeBytes: bytes.length });
    expect(sizes).toEqual([4_194_304, 4_194_304, 1_048_579]);
    expect(sum).toBe(bytes.reduce((total, byte) => total + byte, 0));
    expect(await source.slice?.(4_194_300, 4_194_310)).toEqual(bytes.slice(4_194_300, 4_194_310));
  });

  test('that is not there, or no file, is one sentence', async () => {
    await expect(openFileSource(join(folder, 'none.csv'))).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringContaining('none.csv'),
    });
    await expect(openFileSource(folder)).rejects.toMatchObject({ code: 'bad-file' });
  });

  test('that shrinks while it is read ends where it ends', async () => {
    const path = join(folder, 'shrinks.txt');
    writeFileSync(path, 'x'.repeat(5 * 1024 * 1024));
    const source = await openFileSource(path);

    let read = 0;
    for await (const slice of source.slices({})) {
      read += slice.length;
      truncateSync(path, 4 * 1024 * 1024);
    }

    expect(read).toBe(4 * 1024 * 1024);
  });

  test('stops by signal', async () => {
    const path = join(folder, 'stop.txt');
    writeFileSync(path, 'x'.repeat(9 * 1024 * 1024));
    const source = await openFileSource(path);
    const controller = new AbortController();

    const reading = (async () => {
      for await (const slice of source.slices({ signal: controller.signal })) {
        expect(slice.length).toBeGreaterThan(0);
        controller.abort();
      }
    })();

    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
  });
});
