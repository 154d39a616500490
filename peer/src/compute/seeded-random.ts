// Random numbers for UDFs: the same from the same seed on every member, so that a task gives the same
// answer wherever it runs. (sfc32, seeded by a hash; nothing here is for secrets.)

import { contentHash } from '@shoal/shared';

/** Numbers in [0, 1). */
export function createSeededRandom(seed: string): () => number {
  const hash = contentHash(new TextEncoder().encode(seed));
  let a = Number.parseInt(hash.slice(0, 8), 16) | 0;
  let b = Number.parseInt(hash.slice(8, 16), 16) | 0;
  let c = Number.parseInt(hash.slice(16, 24), 16) | 0;
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
