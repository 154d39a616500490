// Which member holds which of some keys: asked of the members, not computed from the table.

import { type Key, MeshError, parseKey, type PeerId } from '@shoal/shared';
import type { Services } from './ports/services.ts';
import type { RawOptions } from './ports/values.ts';
import type { RangeStore } from './store/range-store.ts';

const SERVICE = 'holds';
/** Keys of one question: its head stays well under a frame head's bound. */
const KEYS_A_QUESTION = 1_000;

export function serveHolders(services: Services, store: RangeStore): () => void {
  return services.serve(SERVICE, async ({ body }) => {
    if (!Array.isArray(body) || body.length > KEYS_A_QUESTION) throw badQuestion();
    const keys = body.map((text: unknown) => {
      const key = parseKey(text);
      if (key === undefined) throw badQuestion();
      return key;
    });
    const heads = await store.heads(keys);
    return { body: keys.map((key) => heads.get(key)?.sizeBytes ?? null) };
  });
}

export async function askHolders(
  deps: { readonly services: Services; readonly owners: () => readonly PeerId[] },
  keys: readonly Key[],
  options: RawOptions = {},
): Promise<ReadonlyMap<Key, { readonly member: PeerId; readonly sizeBytes: number }>> {
  const held = new Map<Key, { readonly member: PeerId; readonly sizeBytes: number }>();
  for (let first = 0; first < keys.length; first += KEYS_A_QUESTION) {
    const question = keys.slice(first, first + KEYS_A_QUESTION);
    await Promise.all(
      deps.owners().map(async (member) => {
        const { body } = await deps.services.ask(member, SERVICE, { body: question }, options);
        if (!Array.isArray(body)) return;
        question.forEach((key, index) => {
          const sizeBytes: unknown = body[index];
          if (typeof sizeBytes === 'number') held.set(key, { member, sizeBytes });
        });
      }),
    );
  }
  return held;
}

function badQuestion(): MeshError {
  return new MeshError('bad-frame', `Ask for at most ${KEYS_A_QUESTION} keys at once.`);
}
