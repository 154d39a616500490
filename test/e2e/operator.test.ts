// What operators do, on real processes: a table that is lost or old is made anew from the members, a member
// is drained, slots that are lost are told with whom they wait for.

import { copyFile, rm } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { join, type Mesh } from '@shoal/node-peer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createStage, freePort, until, type PeerRunning, type Serving } from './support.ts';

const stage = createStage();
const KEYS = Array.from({ length: 60 }, (_, number) => `key ${number}`);

let port: number;
let data: string;
let serving: Serving;
let commands: Mesh[];

beforeEach(async () => {
  port = await freePort();
  data = await stage.folder();
  commands = [];
  serving = await start();
});

afterEach(async () => {
  await Promise.all(commands.map((mesh) => mesh.leave({ handOver: false }).catch(() => undefined)));
  await stage.close();
});

function start(): Promise<Serving> {
  return stage.startServer({ data, port, args: ['--replicas', '2'] });
}

function tableFile(): string {
  return joinPath(data, 'registrar', 'main.table');
}

async function command(): Promise<Mesh> {
  const mesh = await join({ url: serving.url, kind: 'command', workers: 0 });
  commands.push(mesh);
  return mesh;
}

async function leaveCommands(): Promise<void> {
  await Promise.all(commands.splice(0).map((mesh) => mesh.leave({ handOver: false })));
}

async function untilWhole(members: number): Promise<void> {
  const mesh = await command();
  await until(
    () => {
      const { health, slots, members: seen } = mesh.status();
      const holders = seen.filter(({ self, copies }) => !self && copies > 0);
      return health.whole === slots && holders.length === members;
    },
    () => `whole slots: ${JSON.stringify(mesh.status().health)}`,
  );
}

async function writeAll(): Promise<void> {
  const mesh = await command();
  await Promise.all(KEYS.map((key) => mesh.put(key, `value of ${key}`)));
}

async function readAll(): Promise<void> {
  const mesh = await command();
  const read = await Promise.all(KEYS.map((key) => mesh.get(key)));
  expect(read).toEqual(KEYS.map((key) => `value of ${key}`));
}

function adopt(...flags: string[]) {
  return stage.shoal(['adopt', '--join', serving.url, ...flags]);
}

/** Ends the server as a crash does, changes its file, and starts it again. */
async function restartServer(change: () => Promise<void>): Promise<void> {
  await leaveCommands();
  await serving.stop('SIGKILL');
  await change();
  serving = await start();
  await until(
    async () => {
      const { code, stderr } = await stage.shoal(['get', '--join', serving.url, 'key 1']);
      return code === 1 && stderr.includes('`shoal adopt`');
    },
    () => 'a server that says what to do',
  );
}

async function startPeers(...names: string[]): Promise<readonly PeerRunning[]> {
  return Promise.all(names.map((name) => stage.startPeer(serving.url, { name })));
}

describe('adopt', () => {
  test(
    'a table file that is gone: nothing changes before the word is given, then every key is there',
    { timeout: 180_000 },
    async () => {
      await startPeers('ada', 'ben', 'cleo');
      await untilWhole(3);
      await writeAll();
      await restartServer(() => rm(tableFile()));

      const asked = await adopt();
      expect(asked).toMatchObject({ code: 0, stdout: '' });
      for (const name of ['ada', 'ben', 'cleo']) expect(asked.stderr).toMatch(new RegExp(`Reported: .*${name}`));
      expect(asked.stderr).toContain('Nothing was written');

      const done = await adopt('--yes', '--json');
      expect(done.code).toBe(0);
      expect(JSON.parse(done.stdout)).toMatchObject({ missing: [], lost: 0, written: true });
      await untilWhole(3);
      await readAll();
      expect(await adopt('--yes')).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing to adopt') });
    },
  );

  test(
    'an old copy of the file, a member killed and started again meanwhile, another one missing',
    { timeout: 180_000 },
    async () => {
      await startPeers('ada', 'ben');
      await untilWhole(2);
      await copyFile(tableFile(), joinPath(data, 'old'));
      const [cleo] = await startPeers('cleo');
      const [dan] = await startPeers('dan');
      await untilWhole(4);
      await writeAll();
      await restartServer(() => copyFile(joinPath(data, 'old'), tableFile()));
      await dan?.stop('SIGKILL');
      await cleo?.stop('SIGKILL');
      const again = stage.start(['peer', '--join', serving.url, '--data', cleo?.data ?? '', '--name', 'cleo']);
      await until(
        () => again.stderr().includes('This member waits'),
        () => 'a member that waits',
      );

      const done = await adopt('--yes');

      expect(done.code).toBe(0);
      expect(done.stderr).toMatch(/Reported: .*cleo/);
      expect(done.stderr).toMatch(/Missing: /);
      await again.line(/ joined /);
      await stage.startPeer(serving.url, { name: 'dan', ...(dan === undefined ? {} : { data: dan.data }) });
      await untilWhole(4);
      await readAll();
    },
  );
});

test('drain: a member hands over all that it holds, and its process ends', { timeout: 120_000 }, async () => {
  const [, ben] = await startPeers('ada', 'ben', 'cleo');
  await untilWhole(3);
  await writeAll();

  const done = await stage.shoal(['drain', '--join', serving.url, 'ben']);

  expect(done.code).toBe(0);
  expect(done.stderr).toMatch(/^ben has handed over its \d+ slots and left\.\n$/);
  expect(await ben?.ended).toMatchObject({ code: 0 });
  const { members, health } = await stage.status(serving.url);
  expect(members.map(({ name }) => name).toSorted()).toEqual(['ada', 'cleo']);
  expect(health).toMatchObject({ degraded: 0, lost: 0 });
  await readAll();
  await untilWhole(2);
  const whole = await stage.shoal(['status', '--join', serving.url, '--slots']);
  expect(whole.stdout).toMatch(/ 4096 slots, 2 copies of each: 4096 whole, 0 degraded, 0 moving, 0 lost\n/);
  expect(whole.stdout.match(/^\d+ +whole +\d+ +(ada|cleo) +(ada|cleo)$/gm)).toHaveLength(4_096);
  await stage.shoal(['drain', '--join', serving.url, 'cleo']);
  expect(await stage.shoal(['drain', '--join', serving.url, 'ada'])).toMatchObject({
    code: 1,
    stderr: 'There is no other member that could take its slots: start one first.\n',
  });
  const { stdout } = await stage.shoal(['status', '--join', serving.url]);
  expect(stdout).toContain('\ndegraded: 4096 slots, 0-4095: without cleo\n');
  await readAll();
});

test('drain that is not waited for says that the member goes on, and it does', { timeout: 120_000 }, async () => {
  const [ada, ben] = await startPeers('ada', 'ben');
  await untilWhole(2);
  const mesh = await command();
  ada?.child.kill('SIGSTOP');
  const draining = stage.start(['drain', '--join', serving.url, 'ben']);
  await until(
    () => mesh.status().members.some(({ name, state }) => name === 'ben' && state === 'leaving'),
    () => 'ben to leave',
  );

  expect(await draining.stop('SIGINT')).toMatchObject({ code: 1 });
  expect(draining.stderr()).toBe('Not waited for any longer: ben goes on handing over, then leaves.\n');

  ada?.child.kill('SIGCONT');
  expect(await ben?.ended).toMatchObject({ code: 0 });
});
