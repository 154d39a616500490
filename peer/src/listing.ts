// Keys of all members in order, page by page. Each page is asked of every member from one common cursor,
// and no member keeps anything between two pages: a listing costs each side one page of memory, however
// many keys there are, and a slot that moves between two pages is neither missed nor told twice.

import { limits, MeshError, type PeerId, requireKey, type Version } from '@shoal/shared';
import type { MemberView } from './api-status.ts';
import type { RawKey, RawOptions } from './ports/values.ts';
import type { Services } from './ports/services.ts';
import type { RangeStore } from './store/range-store.ts';

const SERVICE = 'keys';
/** A page fits into one frame head, whatever the keys. */
const PAGE_KEYS = 1_000;

interface Page {
  readonly keys: readonly RawKey[];
  /** Whether there is more behind the last. */
  readonly more: boolean;
}

export interface ListingDeps {
  readonly services: Services;
  /** Members that own slots and can be asked. */
  owners(): readonly PeerId[];
}

export function serveListing(deps: { readonly services: Services; readonly store: RangeStore }): () => void {
  return deps.services.serve(SERVICE, async ({ body, signal }) => {
    const { prefix, after } = parseAsk(body);
    const page = await ownPage(deps.store, prefix, { after, signal });
    return { body: { keys: page.keys, more: page.more } };
  });
}

export async function* listKeys(deps: ListingDeps, prefix: string, options: RawOptions = {}): AsyncIterable<RawKey> {
  let after = '';
  for (;;) {
    const pages = await Promise.all(deps.owners().map((member) => askPage(deps, member, { prefix, after, options })));
    // Up to the least of the last keys every member has told all; beyond it somebody may have more.
    const ends = pages.flatMap((page) => (page.more ? [page.keys.at(-1)?.key ?? ''] : []));
    const end = ends.toSorted(compareText)[0];
    const known = new Map<string, RawKey>();
    for (const entry of pages.flatMap((page) => page.keys)) {
      if (end === undefined || compareText(entry.key, end) <= 0) known.set(entry.key, entry);
    }
    yield* [...known.values()].toSorted((a, b) => compareText(a.key, b.key));
    if (end === undefined) return;
    after = end;
  }
}

/** What a listing made now lacks: whatever is owned by members that are away. Undefined if nothing. */
export function lackOf(members: readonly MemberView[]): MeshError | undefined {
  const away = members.filter(({ state, slots }) => state === 'away' && slots > 0);
  const [first] = away;
  if (first === undefined) return undefined;
  const names = away.map(({ name }) => name).join(', ');
  return new MeshError(
    'owner-away',
    `What is at ${names} is not in this list: ${away.length === 1 ? 'it is' : 'they are'} away.`,
    {
      detail: { member: first.id },
    },
  );
}

/** By UTF-16 code units: the same order at every member. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function ownPage(
  store: RangeStore,
  prefix: string,
  options: { readonly after: string; readonly signal: AbortSignal },
): Promise<{ readonly keys: readonly (readonly [string, number, string, number, number])[]; readonly more: boolean }> {
  let found: [string, number, string, number, number][] = [];
  let more = false;
  const keepFirst = (): void => {
    found.sort((a, b) => compareText(a[0], b[0]));
    if (found.length > PAGE_KEYS) {
      found = found.slice(0, PAGE_KEYS);
      more = true;
    }
  };
  for await (const { key, head } of store.keys(prefix, { signal: options.signal })) {
    if (compareText(key, options.after) <= 0) continue;
    found.push([key, head.sizeBytes, head.mediaType, head.version.epoch, head.version.counter]);
    if (found.length >= 2 * PAGE_KEYS) keepFirst();
  }
  keepFirst();
  return { keys: found, more };
}

async function askPage(
  deps: ListingDeps,
  member: PeerId,
  ask: { readonly prefix: string; readonly after: string; readonly options: RawOptions },
): Promise<Page> {
  const { prefix, after, options } = ask;
  const { body } = await deps.services.ask(member, SERVICE, { body: { prefix, after } }, options);
  return parsePage(body, member);
}

function parseAsk(body: unknown): { readonly prefix: string; readonly after: string } {
  if (typeof body === 'object' && body !== null && 'prefix' in body && 'after' in body) {
    const { prefix, after } = body;
    if (typeof prefix === 'string' && typeof after === 'string' && prefix.length <= limits.keyBytes)
      return { prefix, after };
  }
  throw new MeshError('bad-frame', 'A listing needs a prefix and a key to go on from.');
}

function parsePage(body: unknown, member: PeerId): Page {
  const bad = (): MeshError => new MeshError('bad-frame', `${member} answered a listing with something else.`);
  if (typeof body !== 'object' || body === null || !('keys' in body) || !Array.isArray(body.keys)) throw bad();
  const keys = body.keys.map((entry: unknown): RawKey => {
    if (!Array.isArray(entry)) throw bad();
    const [key, sizeBytes, mediaType, epoch, counter] = entry as unknown[];
    if (typeof sizeBytes !== 'number' || typeof mediaType !== 'string') throw bad();
    if (typeof epoch !== 'number' || typeof counter !== 'number') throw bad();
    const version: Version = { epoch, counter };
    return { key: requireKey(key), sizeBytes, mediaType, version, member };
  });
  return { keys, more: 'more' in body && body.more === true };
}
