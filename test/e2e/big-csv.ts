// A large CSV of 14 mixed columns, made from a seed and written as it is made; with what a loop counts
// over it.

import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';

const ROWS_AT_ONCE = 2_000;
const HEADER = 'id,when,name,city,price,amount,isPaid,share,code,note,latitude,longitude,serial,tag';
const NAMES = ['Ada', 'Ben', 'Cleo', 'Dörte', 'Émile', '佐藤', 'Zoë'];
const CITIES = ['Lyon', '"Washington, D.C."', 'Graz', '"Oss ""N"""', 'São Paulo'];

export interface BigCsv {
  readonly rows: number;
  readonly bytes: number;
  readonly paid: number;
  readonly missingPrices: number;
  readonly amounts: number;
}

export async function writeBigCsv(path: string, sizeBytes: number): Promise<BigCsv> {
  const random = createRandom(14);
  const stream = createWriteStream(path);
  const done = finished(stream);
  const counts = { rows: 0, bytes: 0, paid: 0, missingPrices: 0, amounts: 0 };
  const write = async (text: string): Promise<void> => {
    counts.bytes += Buffer.byteLength(text);
    if (!stream.write(text)) await once(stream, 'drain');
  };
  const line = (): string => {
    const id = counts.rows;
    const isPaid = random() < 0.4;
    const price = random() < 0.05 ? '' : (random() * 1_000).toFixed(2);
    const amount = Math.floor(random() * 100);
    counts.rows += 1;
    counts.paid += isPaid ? 1 : 0;
    counts.missingPrices += price === '' ? 1 : 0;
    counts.amounts += amount;
    return [
      id,
      new Date(1_500_000_000_000 + id * 60_000).toISOString(),
      NAMES[id % NAMES.length],
      CITIES[Math.floor(random() * CITIES.length)],
      price,
      amount,
      isPaid,
      random(),
      `C-${Math.floor(random() * 1e9).toString(36)}`,
      random() < 0.3 ? '' : `"seen ${amount} times, then left"`,
      (random() * 180 - 90).toFixed(6),
      (random() * 360 - 180).toFixed(6),
      Math.floor(random() * 2 ** 52),
      random() < 0.5 ? 'x' : 'long-tag-of-some-letters',
    ].join(',');
  };
  await write(`${HEADER}\n`);
  while (counts.bytes < sizeBytes) await write(`${Array.from({ length: ROWS_AT_ONCE }, line).join('\n')}\n`);
  stream.end();
  await done;
  return counts;
}

/** Mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
