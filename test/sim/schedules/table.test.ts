// The registrar's table: lost, old, not yet on disk, or written by two.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@shoal/shared';
import { createRegistrar } from '@shoal/signaling-server';
import { expect, test } from 'vitest';
import { createTableFiles } from '../../../signaling-server/src/table-folder.ts';
import { createSeededRandom } from '../seeded-random.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import { begin } from './script.ts';

test('S1 rebuilt', async () => {
  const mesh = await begin();
  mesh.isolate('ben');
  await mesh.until(() => mesh.row() === 'ada.1* | ben.1');
  await mesh.over(mesh.put('ada', 'k', 'w1'));

  // The table is lost, and ben alone is there to say what he knows.
  mesh.isolate('ada');
  mesh.registrar.kill();
  mesh.registrar.start('none');
  mesh.reunite('ben');
  const read = mesh.get('ben', 'k', { timeoutMs: 60_000 });
  await mesh.pass(10_000);
  expect(read.told).toBe('open');
  expect(mesh.wrongChanges).toEqual([]);

  mesh.registrar.kill();
  mesh.registrar.start('newest');
  mesh.reunite('ada');
  expect(await mesh.over(read, 20_000)).toMatchObject({ told: 'w1' });

  // Again, and a new, empty member is the first to connect: who belongs to the old mesh is not of its.
  mesh.isolate('ada');
  mesh.isolate('ben');
  mesh.registrar.kill();
  mesh.registrar.start('none');
  mesh.add('cleo');
  await mesh.join('cleo');
  const cleo = mesh.get('cleo', 'k');
  mesh.reunite('ada');
  mesh.reunite('ben');
  await mesh.over(mesh.get('ada', 'k'), 20_000);
  await mesh.over(mesh.put('ben', 'k', 'w2'), 20_000);
  expect(cleo.told).toBe('absent');
});

test('S2 rebuilt-all', async () => {
  const mesh = await begin({ members: { ada: 'node', ben: 'node' }, copies: ['ada'], replicas: 2 });
  const news = mesh.hold('registrar', 'ada', ['delta', 'propose answered']);
  const lost = mesh.hold('ada', 'ben', 'replicate');
  mesh.wish(['ada', 'ben']);
  await mesh.until(() => mesh.row() === 'ada.1* ben.1');
  const w1 = mesh.put('ada', 'k', 'w1', { timeoutMs: 60_000 });
  await mesh.until(() => lost.messages.length > 0);

  // Only ben learns that he is a copy, and takes over.
  mesh.isolate('ada');
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'absent' });

  mesh.registrar.kill();
  mesh.registrar.start('none');
  news.lose();
  lost.lose();
  mesh.reunite('ada');
  await mesh.pass(10_000);
  expect(w1.told).toBe('open');
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'absent' });
  expect(mesh.wrongChanges).toEqual([]);

  mesh.registrar.kill();
  mesh.registrar.start('newest');
  await mesh.over(w1, 20_000);
  await mesh.until(() => mesh.row() === 'ada.1* ben.1');
  await mesh.over(mesh.get('ada', 'k'));
  expect(mesh.judge()).toEqual([]);
});

test('S3 rebuilt-term', async () => {
  const mesh = await begin();
  await mesh.over(mesh.put('ada', 'k', 'w1'));
  mesh.registrar.kill();
  mesh.registrar.start('none');
  mesh.isolate('ada');
  mesh.member('ben').kill();
  mesh.member('ben').start();

  // Ada is unaware of all that, and her backup's process is another now.
  await mesh.pass(4_000);
  const read = mesh.get('ada', 'k', { timeoutMs: 60_000 });
  await mesh.pass(10_000);
  expect(read.told).toBe('open');
  expect(mesh.member('ben').run?.mesh).toBeUndefined();
  expect(mesh.wrongChanges).toEqual([]);

  mesh.registrar.kill();
  mesh.registrar.start('newest');
  mesh.reunite('ada');
  expect(await mesh.over(read, 20_000)).toMatchObject({ told: 'w1' });
  await mesh.until(() => mesh.row().startsWith('ada.1* ben.'));
  expect(mesh.judge()).toEqual([]);
});

test('S4 unsynced', async () => {
  const mesh = await begin();
  mesh.setTableWrite(60_000);
  mesh.isolate('ben');
  const w1 = mesh.put('ada', 'k', 'w1', { timeoutMs: 60_000 });
  await mesh.pass(8_000);
  expect(w1.told).toBe('open');

  // The power of the registrar fails before "ada alone" is on its disk.
  mesh.registrar.kill();
  mesh.setTableWrite(4);
  mesh.isolate('ada');
  mesh.reunite('ben');
  mesh.registrar.start('newest');
  expect(mesh.row()).toBe('ada.1* ben.1');
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  expect(await mesh.over(mesh.get('ben', 'k'))).toMatchObject({ told: 'absent' });
  mesh.reunite('ada');
  expect(await mesh.over(w1, 20_000)).toMatchObject({ told: 'done' });
  expect(mesh.judge()).toEqual([]);
});

test('S5 two-registrars', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-two-registrars-'));
  try {
    const first = await createTableFiles(folder);
    const serve = (tables: typeof first): Promise<unknown> =>
      createRegistrar({
        clock: createVirtualClock(),
        random: createSeededRandom(1),
        logger: silentLogger,
        tables,
        slotCount: 1,
        replicas: 2,
      }).connect('main', { send: () => undefined, close: () => undefined });
    await serve(first);

    // A second one can't open the file that the first one changes.
    await expect(createTableFiles(folder)).rejects.toMatchObject({ code: 'locked' });

    await first.close();
    await (await createTableFiles(folder)).close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('S6 old-file', async () => {
  const mesh = await begin();
  mesh.isolate('ada');
  await mesh.until(() => mesh.row() === 'ben.1* | ada.1');
  mesh.wish(['ben']);
  await mesh.over(mesh.put('ben', 'k', 'w1'));
  mesh.reunite('ada');
  expect(await mesh.over(mesh.get('ada', 'k'))).toMatchObject({ told: 'w1' });

  // What she has obeyed is noted on her disk.
  await mesh.pass(3_000);

  // The registrar is started on a copy of before: ada owns the slot there, and is the first to come back.
  mesh.isolate('ben');
  mesh.registrar.kill();
  mesh.member('ada').kill();
  mesh.registrar.start('old');
  mesh.member('ada').start();
  await mesh.pass(15_000);
  expect(mesh.member('ada').run?.mesh).toBeUndefined();
  expect(mesh.wrongChanges).toEqual([]);

  mesh.registrar.kill();
  mesh.registrar.start('newest');
  mesh.reunite('ben');
  await mesh.join('ada');
  expect(await mesh.over(mesh.get('ada', 'k'))).toMatchObject({ told: 'w1' });
  expect(mesh.judge()).toEqual([]);
});
