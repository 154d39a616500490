// Random numbers for UDFs: the same from the same seed on every member, so that a task gives the same
// answer wherever it runs. (sfc32, seeded by xxHash32; nothing here is for secrets.)

import { xxHash32 } from 'js-xxhash';

/** Numbers in [0, 1). */
export function createSeededRandom(seed: string): () => number {
  const bytes = new TextEncoder().encode(seed);
  let a = xxHash32(bytes, 1);
  let b = xxHash32(bytes, 2);
  let c = xxHash32(bytes, 3);
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 12; round += 1) next();
  return next;
}
