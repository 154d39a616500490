// A word count over all the text under node_modules, against a loop that shares no code with Shoal.

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { afterAll, expect, test } from 'vitest';
import { createStage, root } from './support.ts';

const stage = createStage();
afterAll(() => stage.close());

const MEGABYTE = 1_000_000;
const WANTED_BYTES = 52 * MEGABYTE;
const TEXT = /\.(js|mjs|cjs|ts|mts|cts|md|txt|css|html|json)$/;

/** Files of real text one after the other, as many as give 52 MB. */
async function writeCorpus(path: string): Promise<number> {
  const stream = createWriteStream(path);
  let size = 0;
  const walk = async (folder: string): Promise<void> => {
    for (const entry of (await readdir(folder, { withFileTypes: true })).toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      if (size >= WANTED_BYTES) return;
      const child = join(folder, entry.name);
      if (entry.isDirectory()) await walk(child);
      if (!entry.isFile() || !TEXT.test(entry.name) || (await stat(child)).size > 2 * MEGABYTE) continue;
      const text = await readFile(child, 'utf8');
      // Minified code has lines of a megabyte: text has not.
      if (text.includes('\u0000') || text.split('\n').some((line) => line.length > 20_000)) continue;
      size += Buffer.byteLength(text);
      if (!stream.write(text.endsWith('\n') ? text : `${text}\n`)) await once(stream, 'drain');
    }
  };
  await walk(join(root, 'node_modules'));
  stream.end();
  await finished(stream);
  return size;
}

/** Runs of the letters a to z, of three or more, in small letters: found byte by byte. */
async function countBytes(path: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const bytes = await readFile(path);
  let start = -1;
  for (let index = 0; index <= bytes.length; index += 1) {
    const byte = (bytes[index] ?? 0) | 0x20;
    const isLetter = byte >= 0x61 && byte <= 0x7a && index < bytes.length && (bytes[index] ?? 0) >= 0x41;
    if (isLetter && start < 0) start = index;
    if (isLetter || start < 0) continue;
    if (index - start >= 3) {
      const word = bytes.toString('latin1', start, index).toLowerCase();
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    start = -1;
  }
  return counts;
}

const UDF = `
export default {
  init: () => new Map<string, number>(),
  visit(counts: Map<string, number>, row: { line: string }) {
    for (const [word] of row.line.toLowerCase().matchAll(/[a-z]{3,}/g)) counts.set(word, (counts.get(word) ?? 0) + 1);
  },
  join(a: Map<string, number>, b: Map<string, number>) {
    for (const [word, count] of b) a.set(word, (a.get(word) ?? 0) + count);
    return a;
  },
};
`;

test('a word count over 50 MB of real text equals an independent loop', { timeout: 240_000 }, async () => {
  const folder = await stage.folder();
  const [corpus, udf, out] = [join(folder, 'corpus.txt'), join(folder, 'words.ts'), join(folder, 'words.json')];
  const size = await writeCorpus(corpus);
  expect(size).toBeGreaterThanOrEqual(50 * MEGABYTE);
  await writeFile(udf, UDF);
  const { url } = await stage.startServer();
  await stage.startPeers(url, ['ada', 'ben', 'cleo'], { args: ['--workers', '1'] });

  const loaded = await stage.shoal(['load', '--join', url, corpus, '--name', 'corpus']);
  expect(loaded).toMatchObject({ code: 0, stdout: '' });
  const counted = await stage.shoal(['run', '--join', url, udf, '--dataset', 'corpus', '--out', out]);
  expect(counted).toMatchObject({ code: 0, stdout: '', stderr: expect.stringMatching(/^Done in /) });

  const counts = Object.entries(JSON.parse(await readFile(out, 'utf8')) as Record<string, number>);
  const expected = await countBytes(corpus);
  expect(counts.length).toBe(expected.size);
  expect(counts.filter(([word, count]) => expected.get(word) !== count)).toEqual([]);
  expect(counted.tookMs).toBeLessThan(60_000);
});
