// Tables on a real disk, and the lock of their folder.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTableFiles } from '@shoal/signaling-server';

const program = fileURLToPath(new URL('../../../signaling-server/src/main.ts', import.meta.url));
let parent = '';

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'shoal-tables-'));
});

afterAll(() => rm(parent, { recursive: true, force: true }));

const freshFolder = (): Promise<string> => mkdtemp(join(parent, 'tables-'));

interface Program {
  readonly child: ChildProcess;
  readonly ready: Promise<{ readonly url: string; readonly port: number }>;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

/** The program itself, from its sources. */
function run(args: readonly string[]): Program {
  const child = fork(program, [...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--conditions=source', '--import', 'tsx'],
  });
  const { stderr } = child;
  if (stderr === null) throw new Error('no pipe');
  let said = '';
  stderr.on('data', (part: Buffer) => (said += part.toString()));
  // `close` does not come once the channel to the child was closed from this side.
  const ended = Promise.all([once(child, 'exit'), once(stderr, 'end')]);
  return {
    child,
    ready: new Promise((resolve) =>
      child.once('message', (message) => resolve(message as { url: string; port: number })),
    ),
    ended: ended.then(([[code]]) => ({ code: code as number | null, stderr: said })),
  };
}

test('gives back what was written last, one file for each mesh, and leaves nothing temporary', async () => {
  const folder = await freshFolder();
  const tables = await createTableFiles(folder);

  await tables.write('main', Uint8Array.of(1));
  await tables.write('main', Uint8Array.of(2, 3));
  await tables.write('Main', Uint8Array.of(4));

  expect(await tables.read('main')).toEqual(Uint8Array.of(2, 3));
  expect(await tables.read('Main')).toEqual(Uint8Array.of(4));
  expect(await tables.read('other')).toBeUndefined();
  expect((await readdir(folder)).sort()).toEqual(['+main.table', 'lock', 'main.table']);
  await tables.close();
});

test('reads the old table beside a temporary file that was torn', async () => {
  const folder = await freshFolder();
  const tables = await createTableFiles(folder);
  await tables.write('main', Uint8Array.of(1, 2, 3));
  await writeFile(join(folder, 'main.table.tmp'), Uint8Array.of(9));

  expect(await tables.read('main')).toEqual(Uint8Array.of(1, 2, 3));
  await tables.write('main', Uint8Array.of(4));
  expect(await tables.read('main')).toEqual(Uint8Array.of(4));
  await tables.close();
});

test('lets one registrar have a folder, and the next one after it', async () => {
  const folder = await freshFolder();
  const first = await createTableFiles(folder);

  await expect(createTableFiles(folder)).rejects.toMatchObject({ code: 'locked' });
  await first.close();
  const second = await createTableFiles(folder);
  await second.close();

  expect(await readdir(folder)).toEqual([]);
});

test('takes the folder of a process that is dead, or whose number another process has now', async () => {
  const folder = await freshFolder();
  for (const holder of ['999999999 5', `${process.ppid} 1`, 'nonsense', '']) {
    await writeFile(join(folder, 'lock'), holder);

    const tables = await createTableFiles(folder);

    expect(await readFile(join(folder, 'lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
    await tables.close();
  }
});

test('says in one sentence, as a program, that port or folder are in use, and ends with code 1', async () => {
  const folder = await freshFolder();
  const tables = await createTableFiles(folder);
  const blocker = createServer();
  const port = await new Promise<number>((resolve) => {
    blocker.listen(0, '127.0.0.1', () => resolve((blocker.address() as { port: number }).port));
  });

  const [locked, busy, wrong] = await Promise.all([
    run(['--port', '0', '--data', folder]).ended,
    run(['--port', `${port}`, '--data', await freshFolder()]).ended,
    run(['--port', 'eighty']).ended,
  ]);

  expect(locked.code).toBe(1);
  expect(locked.stderr).toBe(
    `The data folder ${folder} is in use by process ${process.pid}: end it, or use another folder.\n`,
  );
  expect(busy.code).toBe(1);
  expect(busy.stderr).toMatch(/^Port \d+ of 127\.0\.0\.1 is in use: [^\n]+\n$/);
  expect(wrong.code).toBe(2);
  blocker.close();
  await tables.close();
}, 30_000);

test('tells its parent when it is ready, ends cleanly on a signal and with its parent, and frees the folder', async () => {
  const folder = await freshFolder();
  const first = run(['--port', '0', '--data', folder]);
  const { url } = await first.ready;
  expect((await fetch(new URL('/healthz', url))).status).toBe(200);

  first.child.kill('SIGTERM');
  expect(await first.ended).toEqual({ code: 0, stderr: '' });
  const second = run(['--port', '0', '--data', folder]);
  await second.ready;
  second.child.disconnect();

  expect((await second.ended).code).toBe(0);
  expect(await readdir(folder)).toEqual([]);
}, 30_000);

test('starts on the folder of a process that was killed', async () => {
  const folder = await freshFolder();
  const first = run(['--port', '0', '--data', folder]);
  await first.ready;
  first.child.kill('SIGKILL');
  await first.ended;

  const second = run(['--port', '0', '--data', folder]);

  expect((await second.ready).port).toBeGreaterThan(0);
  second.child.kill('SIGINT');
  expect((await second.ended).code).toBe(0);
}, 30_000);

test('S5: a table that somebody else has written is not written over', async () => {
  const folder = await freshFolder();
  const tables = await createTableFiles(folder);
  await tables.read('main');
  await tables.write('main', new Uint8Array([1]));
  await tables.write('main', new Uint8Array([2]));
  // A server in another container sees no process behind the lock.
  await writeFile(join(folder, 'main.table'), new Uint8Array([3]));

  await expect(tables.write('main', new Uint8Array([4]))).rejects.toMatchObject({ code: 'locked' });
  expect([...(await readFile(join(folder, 'main.table')))]).toEqual([3]);

  await rm(join(folder, 'main.table'));
  await tables.write('main', new Uint8Array([5]));
  await tables.close();
});
