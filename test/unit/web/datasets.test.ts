import { signal } from '@preact/signals';
import { expect, test } from 'vitest';
import type { Mesh } from '@shoal/peer';
import { createDatasets } from '../../../web/src/model/datasets.ts';
import type { PagePorts } from '../../../web/src/model/ports.ts';
import type { Session } from '../../../web/src/model/session.ts';
import { createVirtualClock } from '../../sim/virtual-clock.ts';

const ROUND_MS = 3_000;

/** A page over a mesh whose listing and members the test says. */
async function start(...names: string[]) {
  const clock = createVirtualClock();
  const there = { names, away: [] as string[] };
  const mesh = {
    datasets: async () => there.names.map((name) => ({ name, createdAtMs: 1 })),
    dataset: async () => ({ head: async () => [], whereabouts: async () => [] }),
    status: () => ({ members: there.away.map((name) => ({ id: name, name, state: 'away', slots: 1 })) }),
    drop: async () => undefined,
  };
  const chosen = signal('');
  const session = { mesh: signal(mesh as unknown as Mesh) } as unknown as Session;
  const datasets = createDatasets({ clock } as unknown as PagePorts, session, chosen);
  const round = async (): Promise<void> => {
    await clock.advance(ROUND_MS);
    await clock.advance(0);
  };
  await round();
  const listed = (): readonly string[] | undefined => datasets.list.value?.map(({ name }) => name);
  return { datasets, chosen, there, round, listed };
}

test('while an owner is away its datasets stay in the list, and the chosen one chosen', async () => {
  const { datasets, chosen, there, round, listed } = await start('birds', 'flights');
  chosen.value = 'flights';

  Object.assign(there, { names: ['birds', 'news'], away: ['ben'] });
  await round();

  expect(listed()).toEqual(['birds', 'flights', 'news']);
  expect(chosen.value).toBe('flights');
  expect(datasets.complaint.value).toBe('What is at ben is not in this list: it is away.');

  there.away = [];
  await round();
  expect(listed()).toEqual(['birds', 'news']);
  expect(chosen.value).toBe('birds');
  expect(datasets.complaint.value).toBeUndefined();
});

test('what is dropped while somebody is away is gone from the list', async () => {
  const { datasets, there, listed } = await start('birds', 'flights');
  Object.assign(there, { names: ['flights'], away: ['ben'] });

  await datasets.drop('birds');

  expect(listed()).toEqual(['flights']);
});
