// Values of many keys at once, whoever owns them.

import { type Clock, createDeadline, limits, MeshError, throwIfAborted } from '@shoal/shared';
import type { CallOptions, Mesh, MeshValue } from './api.ts';
import { forEachBounded } from './data/bounded.ts';

/** Requests on their way at once: enough that none waits for a round trip, few enough that others get through. */
const GETS_AT_ONCE = 256;

/** In the order of `keys`. The first that fails ends the others. */
export async function getMany(
  deps: { readonly clock: Clock; readonly get: Mesh['get'] },
  keys: readonly string[],
  { timeoutMs = limits.requestTimeoutMs, signal }: CallOptions = {},
): Promise<readonly (MeshValue | undefined)[]> {
  throwIfAborted(signal);
  const values: (MeshValue | undefined)[] = [];
  // A controller for each: Node warns of many listeners on one signal.
  const open = new Set<AbortController>();
  const endOthers = (reason: unknown): void => {
    for (const one of open) one.abort(reason);
  };
  const deadline = createDeadline(deps.clock, timeoutMs, {
    outer: signal,
    reason: () => new MeshError('deadline', `${keys.length} values had not come within ${timeoutMs} ms.`),
  });
  deadline.signal.addEventListener('abort', () => endOthers(deadline.signal.reason), { once: true });
  try {
    await forEachBounded(keys.entries(), GETS_AT_ONCE, async ([index, key]) => {
      const one = new AbortController();
      open.add(one);
      try {
        values[index] = await deps.get(key, { timeoutMs, signal: one.signal });
      } catch (error) {
        endOthers(error);
        throw error;
      } finally {
        open.delete(one);
      }
    });
    return values;
  } finally {
    deadline.end();
  }
}
