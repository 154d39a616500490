import { afterAll, describe, expect, test } from 'vitest';
import { createStage, freePort } from './support.ts';

const stage = createStage();
afterAll(() => stage.close());

describe('wrong usage ends with 2, a sentence on stderr and nothing on stdout', () => {
  test.each([
    ['no verb', []],
    ['an unknown verb', ['dance']],
    ['an unknown flag', ['ls', '--join', 'http://127.0.0.1:1', '--fast']],
    ['no --join', ['get', 'k']],
    ['no key', ['get', '--join', 'http://127.0.0.1:1']],
    ['a URL without scheme', ['get', '--join', 'localhost:8080', 'k']],
    ['a URL of something else', ['get', '--join', 'http://127.0.0.1:1/other', 'k']],
    ['a mesh name that is none', ['get', '--join', 'http://127.0.0.1:1', '--mesh', 'a b', 'k']],
    ['two meshes', ['get', '--join', 'http://127.0.0.1:1/m/a', '--mesh', 'b', 'k']],
    ['put without a value', ['put', '--join', 'http://127.0.0.1:1', 'k']],
    ['put with a value and a file', ['put', '--join', 'http://127.0.0.1:1', 'k', 'v', '--file', 'f']],
    ['a timeout that is no number', ['get', '--join', 'http://127.0.0.1:1', 'k', '--timeout', 'soon']],
    ['peer without --data', ['peer', '--join', 'http://127.0.0.1:1']],
    ['nine workers', ['peer', '--join', 'http://127.0.0.1:1', '--data', 'x', '--workers', '9']],
    ['load without --name', ['load', '--join', 'http://127.0.0.1:1', 'f.csv']],
    ['run without --dataset', ['run', '--join', 'http://127.0.0.1:1', 'f.ts']],
    ['params that are no JSON', ['run', '--join', 'http://127.0.0.1:1', 'f.ts', '--dataset', 'd', '--params', '{']],
    ['an --out of no format', ['run', '--join', 'http://127.0.0.1:1', 'f.ts', '--dataset', 'd', '--out', 'x.xls']],
    ['a port out of range', ['serve', '--port', '65536']],
  ])('%s', async (_what, args) => {
    const done = await stage.shoal(args);

    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).not.toBe('');
    expect(done.stderr).not.toMatch(/\n\s+at /);
  });

  test.each([
    ['PORT', 'http', 'PORT'],
    ['SHOAL_REPLICAS', '9', 'Replicas are a whole number from 1 to 7, or auto, not "9".'],
  ])('a %s that is none', async (name, value, told) => {
    const done = await stage.shoal(['serve'], { env: { [name]: value } });

    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toContain(told);
  });
});

test('--help tells the verbs and ends with 0', async () => {
  const done = await stage.shoal(['--help']);

  expect(done.code).toBe(0);
  for (const verb of [
    'serve',
    'peer',
    'status',
    'put',
    'get',
    'ls',
    'rm',
    'load',
    'datasets',
    'drop',
    'run',
    'drain',
    'forget',
    'adopt',
    'recover',
  ]) {
    expect(done.stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
  }
});

test.each([['get', 'k'], ['adopt']])('%s without a server is one sentence and 1', async (...args) => {
  const url = `http://127.0.0.1:${await freePort()}`;

  const done = await stage.shoal([...args, '--join', url, '--timeout', '1500']);

  expect(done).toMatchObject({ code: 1, stdout: '' });
  expect(done.stderr).toMatch(/^The server .*\n$/);
  expect(done.tookMs).toBeLessThan(10_000);
});

test('Ctrl-C while the server is looked for ends the command at once', async () => {
  const waiting = stage.start(['get', '--join', `http://127.0.0.1:${await freePort()}`, 'k']);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const startedAt = performance.now();

  expect((await waiting.stop('SIGINT')).code).toBe(1);

  expect(waiting.stderr()).toBe('Cancelled.\n');
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
