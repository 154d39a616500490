// What members say of themselves when they join: their weight, and that they are ephemeral.

import { join } from '@shoal/node-peer';
import { afterEach, expect, test } from 'vitest';
import { createStage, until } from './support.ts';

const stage = createStage();
afterEach(() => stage.close());

test(
  'slots are shared by weight; an ephemeral member has some only when there is no other, and is told as such',
  { timeout: 300_000 },
  async () => {
    const { url } = await stage.startServer();
    const ada = await stage.startPeer(url, { name: 'ada', args: ['--weight', '1'] });
    const ben = await stage.startPeer(url, { name: 'ben', args: ['--weight', '3'] });
    const eve = stage.start(['peer', '--join', url, '--name', 'eve', '--ephemeral', '--workers', '0']);
    await eve.line(/ joined \S+ at /);
    let shares: Record<string, number> = {};
    const own = async (wanted: Record<string, number>): Promise<void> =>
      until(
        async () => {
          const { members } = await stage.status(url);
          shares = Object.fromEntries(members.map(({ name, slots }) => [name, slots]));
          return Object.entries(wanted).every(([name, slots]) => shares[name] === slots);
        },
        () => `${JSON.stringify(wanted)}, not ${JSON.stringify(shares)}`,
        90_000,
      );

    await own({ ada: 1_024, ben: 3_072, eve: 0 });
    await ada.stop();
    const mesh = await join({ url, kind: 'command', name: 'writer', workers: 1 });
    try {
      // Two copies are wanted, and only one member is there that lasts.
      expect(await mesh.put('kept', 'by eve', { minCopies: 2, timeoutMs: 60_000 })).toMatchObject({ copies: 2 });
      await own({ ben: 4_096, eve: 0 });
      await until(
        () => mesh.status().health.degraded === 0,
        () => 'two copies of each slot',
      );
      await ben.stop('SIGKILL');

      expect(await mesh.get('kept', { timeoutMs: 60_000 })).toBe('by eve');
      await own({ eve: 4_096 });
      expect(mesh.status().members.find(({ name }) => name === 'eve')).toMatchObject({ ephemeral: true });
    } finally {
      await mesh.leave();
    }
  },
);

test('a member needs a folder, or says that it is ephemeral', async () => {
  const done = await stage.shoal(['peer', '--join', 'http://127.0.0.1:1']);

  expect(done).toMatchObject({ code: 2, stdout: '' });
  expect(done.stderr).toMatch(/--data <dir>.*--ephemeral/);
});
