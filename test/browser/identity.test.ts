// Which store a tab takes, in a real browser: with its Web Locks, and as on plain http without them.
// Tabs are stood for by choices with channels of their own; `test/e2e/page-identity.test.ts` has real ones.

import { createSystemClock, createSystemRandom, parsePeerId, type PeerId } from '@shoal/shared';
import { afterEach, expect, test } from 'vitest';
import { type StoreChoice, type TakenStore, takeStore } from '../../web/src/adapters/identity.ts';
import { createLocalMemory, createTabMemory } from '../../web/src/adapters/local-memory.ts';

const clock = createSystemClock();
const random = createSystemRandom();
const taken: TakenStore[] = [];
let tests = 0;

afterEach(async () => {
  for (const store of taken.splice(0)) await store.release();
  localStorage.clear();
  sessionStorage.clear();
});

function peerId(digit: string): PeerId {
  const id = parsePeerId(digit.repeat(32));
  if (id === undefined) throw new Error('no id');
  return id;
}

function browser(options: Partial<StoreChoice> = {}): StoreChoice {
  tests += 1;
  const mesh = `mesh-${tests}-${performance.now()}`;
  return {
    mesh,
    memory: createLocalMemory(`shoal/${mesh}/`),
    clock,
    random,
    locks: navigator.locks,
    except: new Set(),
    databases: async () => [],
    identityOf: async () => undefined,
    areAlive: async (ids) => ids.map(() => false),
    ...options,
  };
}

async function take(choice: StoreChoice): Promise<TakenStore> {
  const store = await takeStore(choice);
  taken.push(store);
  return store;
}

test('a tab that comes after another finds its store', async () => {
  const choice = browser();
  const first = await take(choice);
  await first.release();

  const second = await take(choice);

  expect(second.name).toBe(first.name);
});

test('tabs that are open at once have stores of their own', async () => {
  const choice = browser();

  const names = (await Promise.all([take(choice), take(choice), take(choice)])).map(({ name }) => name);

  expect(new Set(names).size).toBe(3);
});

test('the store that was used last is taken first', async () => {
  const choice = browser();
  const [a, b] = [await take(choice), await take(choice)];
  await a.release();
  await b.release();

  const again = await take(choice);

  expect(again.name).toBe(b.name);
});

test('a store that can not be used is passed over', async () => {
  const choice = browser();
  const first = await take(choice);
  await first.release();

  const other = await take({ ...choice, except: new Set([first.name]) });

  expect(other.name).not.toBe(first.name);
});

test('without locks a store whose identity lives nowhere is found again', async () => {
  const choice = browser({ locks: undefined });
  const first = await take(choice);
  first.remember(peerId('a'));
  await first.release();

  const second = await take(choice);

  expect(second.name).toBe(first.name);
});

test('without locks a tab that is awake keeps its store, whatever the registrar says', async () => {
  const choice = browser({ locks: undefined });
  const first = await take(choice);
  first.remember(peerId('a'));

  const second = await take(choice);

  expect(second.name).not.toBe(first.name);
});

test('without locks a store whose identity lives is left alone, and so it is when nobody can tell', async () => {
  const choice = browser({ locks: undefined });
  const first = await take(choice);
  first.remember(peerId('a'));
  await first.release();

  const whileAlive = await take({ ...choice, areAlive: async (ids) => ids.map(() => true) });
  const inDoubt = await take({ ...choice, areAlive: () => Promise.reject(new Error('no registrar')) });

  expect([whileAlive.name, inDoubt.name]).not.toContain(first.name);
});

test('without locks a store is taken as soon as its last page is seen to be gone', async () => {
  const choice = browser({ locks: undefined });
  const first = await take(choice);
  first.remember(peerId('a'));
  await first.release();
  let asked = 0;

  const second = await take({ ...choice, areAlive: async (ids) => ids.map(() => (asked += 1) < 3) });

  expect([second.name, asked]).toEqual([first.name, 3]);
});

test('without locks only one of two tabs that ask at once gets the store', async () => {
  const choice = browser({ locks: undefined });
  const first = await take(choice);
  first.remember(peerId('a'));
  await first.release();

  const names = (await Promise.all([take(choice), take(choice)])).map(({ name }) => name);

  expect(new Set(names).size).toBe(2);
  expect(names).toContain(first.name);
});

test('a store that was never noted is found by its database', async () => {
  for (const locks of [navigator.locks, undefined]) {
    const choice = browser({ locks });
    const name = `shoal/${choice.mesh}/forgotten`;

    const store = await take({
      ...choice,
      databases: async () => ['other', name],
      identityOf: async () => peerId('b'),
    });

    expect(store.name).toBe(name);
  }
});

test('what a stranger wrote into the list of stores does no harm', async () => {
  const choice = browser();
  choice.memory.set('store/x', '{"not": "a store"}');
  choice.memory.set('store/y', 'not JSON');

  const store = await take(choice);

  expect(store.name).toContain(choice.mesh);
});

test('drafts are the tab’s own, and a new tab begins with the last ones', () => {
  const one = createTabMemory('draft/');
  one.set('text', 'mine');
  // What another tab writes shows in localStorage alone.
  localStorage.setItem('draft/text', 'theirs');

  expect(one.get('text')).toBe('mine');
  sessionStorage.clear();
  expect(createTabMemory('draft/').get('text')).toBe('theirs');
});
