import { cp } from 'node:fs/promises';
import { join } from '@shoal/node-peer';
import { afterEach, describe, expect, test } from 'vitest';
import { childrenOf, createStage, freePort, isAlive, type Serving } from './support.ts';

const stage = createStage();
afterEach(() => stage.close());

async function childPid(serving: Serving, what: 'server' | 'peer'): Promise<number> {
  const children = await childrenOf(serving.pid);
  const pattern = what === 'server' ? /signaling-server/ : /main\.js peer /;
  const found = children.find((child) => pattern.test(child.command));
  if (found === undefined) throw new Error(`no ${what} among ${JSON.stringify(children)}`);
  return found.pid;
}

describe('serve', () => {
  test('prints one line when page and member are ready, and ends cleanly at Ctrl-C', async () => {
    const serving = await stage.startServer({ peer: true });

    expect(serving.stdout()).toBe(`Shoal is ready: ${serving.url}\n`);
    const page = await fetch(serving.url);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    const status = await stage.shoal(['status', '--join', serving.url, '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({
      slots: 4_096,
      members: [{ kind: 'node', state: 'here', slots: 4_096 }],
    });
    const children = await childrenOf(serving.pid);
    expect(children).toHaveLength(2);

    expect(await serving.stop('SIGINT')).toEqual({ code: 0, signal: null });
    for (const { pid } of children) expect(isAlive(pid)).toBe(false);
    expect(serving.stderr()).toBe('');
  });

  test('keeps what was put, and shows it at the next start', async () => {
    const first = await stage.startServer({ peer: true });
    await stage.shoal(['put', '--join', first.url, 'kept', 'yes']);
    await first.stop('SIGTERM');

    const second = await stage.startServer({ peer: true, data: first.data });
    const got = await stage.shoal(['get', '--join', second.url, 'kept']);

    expect(got).toMatchObject({ code: 0, stdout: 'yes', stderr: '' });
  });

  test('shows at the next start what was put beside another member, though that one is gone', async () => {
    const first = await stage.startServer({ peer: true });
    const other = await stage.startPeer(first.url);
    const mesh = await join({ url: first.url, kind: 'command', name: 'writer', workers: 1 });
    const keys = Array.from({ length: 60 }, (_, index) => `key/${index}`);
    const copies = await Promise.all(
      keys.map(async (key) => (await mesh.put(key, key, { minCopies: 2, timeoutMs: 60_000 })).copies),
    );
    expect(new Set(copies)).toEqual(new Set([2]));
    await mesh.leave();
    await first.stop('SIGINT');
    await other.stop('SIGKILL');

    const second = await stage.startServer({ peer: true, data: first.data });
    const reader = await join({ url: second.url, kind: 'command', name: 'reader', workers: 1 });

    for (const key of keys) expect(await reader.get(key, { timeoutMs: 30_000 })).toBe(key);
    await reader.leave();
  });

  test('takes port, address and folder from the environment', async () => {
    const port = await freePort();
    const data = await stage.folder();
    const serving = stage.start(['serve'], { env: { PORT: `${port}`, HOST: '127.0.0.1', SHOAL_DATA: data } });

    const [, url] = await serving.line(/^Shoal is ready: (\S+)$/m);

    expect(new URL(url ?? '').port).toBe(`${port}`);
    expect((await stage.shoal(['put', '--join', url ?? '', 'k', 'v'])).code).toBe(0);
  });

  test('a port in use is one sentence and 1', async () => {
    const first = await stage.startServer();
    const port = new URL(first.url).port;

    const second = await stage.shoal(['serve', '--port', port, '--data', await stage.folder()]);

    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(/^[^\n]+\n$/);
    expect(second.stderr).toContain(port);
  });

  test('a data folder in use is one sentence and 1', async () => {
    const first = await stage.startServer({ peer: true });

    const second = await stage.shoal(['serve', '--port', '0', '--data', first.data]);

    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(/^[^\n]+\n$/);
    expect(second.stderr).toContain(first.data);
  });

  test('beyond loopback it makes a token, which admits', async () => {
    const serving = await stage.startServer({ args: ['--host', '0.0.0.0'] });
    const url = new URL(serving.url);
    const token = url.searchParams.get('token');
    const address = `http://127.0.0.1:${url.port}`;
    await stage.startPeer(`${address}/?token=${token}`);

    const without = await stage.shoal(['put', '--join', address, 'k', 'v']);
    const withToken = await stage.shoal(['put', '--join', address, '--token', token ?? '', 'k', 'v']);

    expect(without).toMatchObject({ code: 1, stdout: '' });
    expect(without.stderr).toMatch(/^[^\n]*token[^\n]*\n$/i);
    expect(withToken.code).toBe(0);
  });

  test('starts its server again when that is killed, and the member stays', async () => {
    const serving = await stage.startServer({ peer: true });
    await stage.shoal(['put', '--join', serving.url, 'k', 'v']);
    const [server, peer] = [await childPid(serving, 'server'), await childPid(serving, 'peer')];

    process.kill(server, 'SIGKILL');
    await expect.poll(() => childPid(serving, 'server').catch(() => server), { timeout: 15_000 }).not.toBe(server);

    await expect
      .poll(async () => (await stage.shoal(['get', '--join', serving.url, 'k'])).stdout, { timeout: 30_000 })
      .toBe('v');
    expect(await childPid(serving, 'peer')).toBe(peer);
    expect(serving.stdout()).toBe(`Shoal is ready: ${serving.url}\n`);
  });

  test('starts its member again when that is killed, and the server stays', async () => {
    const serving = await stage.startServer({ peer: true });
    await stage.shoal(['put', '--join', serving.url, 'k', 'v']);
    const [server, peer] = [await childPid(serving, 'server'), await childPid(serving, 'peer')];

    process.kill(peer, 'SIGKILL');

    expect(await stage.shoal(['get', '--join', serving.url, 'k', '--timeout', '20000'])).toMatchObject({
      code: 0,
      stdout: 'v',
    });
    expect(await childPid(serving, 'server')).toBe(server);
    expect(await childPid(serving, 'peer')).not.toBe(peer);
  });

  test('killed, it takes both with it', async () => {
    const serving = await stage.startServer({ peer: true });
    const children = await childrenOf(serving.pid);

    await serving.stop('SIGKILL');

    await expect.poll(() => children.filter(({ pid }) => isAlive(pid)), { timeout: 10_000 }).toEqual([]);
  });
});

describe('peer', () => {
  test('says who it is and where it joined, and that functions run uncaged', async () => {
    const serving = await stage.startServer();

    const peer = await stage.startPeer(serving.url, { name: 'ada', args: ['--workers', '2'] });

    expect(peer.stdout()).toMatch(
      /^ada \([0-9a-f]{8}\) joined main at http:\/\/127\.0\.0\.1:\d+ with 2 workers; UDFs run uncaged[^\n]+\n$/,
    );
    expect(await peer.stop('SIGINT')).toEqual({ code: 0, signal: null });
  });

  test('a folder in use is one sentence and 1', async () => {
    const serving = await stage.startServer();
    const ada = await stage.startPeer(serving.url);

    const again = await stage.shoal(['peer', '--join', serving.url, '--data', ada.data]);

    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toMatch(/^[^\n]+\n$/);
    expect(again.stderr).toContain(ada.data);
  });

  test('a folder of another mesh is one sentence and 1', async () => {
    const serving = await stage.startServer();
    const ada = await stage.startPeer(serving.url);
    await ada.stop();

    const other = await stage.shoal(['peer', '--join', serving.url, '--mesh', 'lab', '--data', ada.data]);

    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toMatch(/^[^\n]*main[^\n]*\n$/);
  });

  test('the same folder on another server is one sentence and 1: it is another mesh of the same name', async () => {
    const serving = await stage.startServer();
    const ada = await stage.startPeer(serving.url);
    await ada.stop();
    const another = await stage.startServer();
    await stage.startPeer(another.url);

    const refused = await stage.shoal(['peer', '--join', another.url, '--data', ada.data]);

    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^[^\n]+\n$/);
  });

  test('two processes on one copied folder: the later one stays, the earlier ends with one sentence and 1', async () => {
    const serving = await stage.startServer();
    const ada = await stage.startPeer(serving.url, { name: 'ada' });
    await ada.stop();
    const copy = `${await stage.folder()}/copy`;
    await cp(ada.data, copy, { recursive: true });
    const first = await stage.startPeer(serving.url, { name: 'ada', data: ada.data });

    const second = await stage.startPeer(serving.url, { name: 'ada', data: copy });

    expect(await first.ended).toEqual({ code: 1, signal: null });
    expect(first.stderr()).toMatch(/^Another process of member [^\n]+\n$/);
    expect((await stage.shoal(['put', '--join', serving.url, 'k', 'v'])).code).toBe(0);
    expect((await second.stop()).code).toBe(0);
  });

  test('a wrong token is one sentence and 1', async () => {
    const serving = await stage.startServer({ args: ['--token', 'right'] });

    const refused = await stage.shoal([
      'peer',
      '--join',
      serving.url,
      '--token',
      'wrong',
      '--data',
      await stage.folder(),
    ]);

    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^[^\n]*token[^\n]*\n$/i);
    expect(refused.tookMs).toBeLessThan(5_000);
  });
});
