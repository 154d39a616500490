// Datasets of which a part lies on a member that is gone, as commands tell them: nothing is said to be gone
// that is only away.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { slotOfKey, requireKey } from '@shoal/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStage, type PeerRunning, root, until } from './support.ts';

const stage = createStage();
let url: string;
let ben: PeerRunning | undefined;
/** Datasets whose records are at ada and at ben. */
let atAda: string;
let atBen: string;
let udf: string;

beforeAll(async () => {
  ({ url } = await stage.startServer({ args: ['--replicas', '1'] }));
  [, ben] = await stage.startPeers(url, ['ada', 'ben']);
  const folder = await stage.folder();
  udf = join(folder, 'count.ts');
  await writeFile(udf, 'export default { init: () => 0, visit: (n) => n + 1, join: (a, b) => a + b };');
  const { stdout } = await stage.shoal(['status', '--join', url, '--slots', '--json']);
  const { members, list } = JSON.parse(stdout) as {
    readonly members: readonly { readonly id: string; readonly name: string }[];
    readonly list: readonly { readonly owner: string }[];
  };
  const nameAt = (owner: string): string => {
    const names = Array.from({ length: 500 }, (_, number) => `set ${number}`);
    const ownerOf = (name: string): string | undefined => list[slotOfKey(requireKey(`~dataset/${name}`), 4_096)]?.owner;
    return names.find((name) => members.find(({ id }) => id === ownerOf(name))?.name === owner) ?? 'none';
  };
  [atAda, atBen] = [nameAt('ada'), nameAt('ben')];
  const csv = join(root, 'node_modules/vega-datasets/data/seattle-weather.csv');
  expect((await readFile(csv, 'utf8')).length).toBeGreaterThan(10_000);
  for (const name of [atAda, atBen]) {
    expect(await stage.shoal(['load', '--join', url, csv, '--name', name])).toMatchObject({ code: 0 });
  }
  await ben?.stop('SIGKILL');
  await until(
    async () => (await stage.status(url)).health.lost > 0,
    () => 'lost slots',
  );
}, 240_000);

afterAll(() => stage.close());

test('a list of datasets says what it lacks', async () => {
  const listed = await stage.shoal(['datasets', '--join', url]);

  expect(listed).toMatchObject({ code: 1, stderr: 'What is at ben is not in this list: it is away.\n' });
  expect(listed.stdout).toContain(atAda);
  expect(listed.stdout).not.toContain(atBen);
});

test('a job that can not be done in its time says what is lost, and is done when that is back', async () => {
  const run = ['run', '--join', url, udf, '--dataset', atBen];

  const lost = await stage.shoal([...run, '--timeout', '3000']);
  expect(lost).toMatchObject({ code: 1, stdout: '' });
  expect(lost.stderr).toMatch(/^The slot of ".*" \(\d+\) has no copy that is here: it waits for ben: start it/);

  const waiting = stage.start(run);
  await stage.startPeer(url, { name: 'ben', ...(ben === undefined ? {} : { data: ben.data }) });
  expect(await waiting.ended).toMatchObject({ code: 0 });
  expect(waiting.stdout().trim()).toBe('1461');
  expect(await stage.shoal(['datasets', '--join', url])).toMatchObject({ code: 0, stderr: '' });
});
