// Names of this browser's members: kept with their stores, and one to start with.

import type { Random } from '@shoal/shared';
import type { LocalMemory } from './local-memory.ts';

const SWIMMERS = [
  'anchovy',
  'barbel',
  'bream',
  'capelin',
  'char',
  'cisco',
  'dace',
  'goby',
  'herring',
  'loach',
  'minnow',
  'mullet',
  'roach',
  'sardine',
  'shad',
  'smelt',
  'sprat',
  'tench',
  'tetra',
  'wrasse',
] as const;

/** A name to start with, so that two tabs are told apart at once. */
export function suggestName(random: Random): string {
  return SWIMMERS[Math.floor(random.next() * SWIMMERS.length)] ?? 'sprat';
}

/** Of the member whose store that is. */
export function recallName(memory: LocalMemory, store: string | undefined): string | undefined {
  return store === undefined ? undefined : memory.get(nameKey(store));
}

/** A member without a store is forgotten with its tab. */
export function rememberName(memory: LocalMemory, store: string | undefined, name: string): void {
  if (store !== undefined) memory.set(nameKey(store), name);
}

function nameKey(store: string): string {
  return `name/${store}`;
}
