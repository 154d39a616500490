// The server as clients and browsers meet it: real sockets, real HTTP, a real folder.

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { request, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  createKeyPair,
  createSystemRandom,
  joinProof,
  must,
  parseIncarnation,
  peerIdOf,
  randomHex,
  sign,
  toHex,
  type Answer,
  type Joined,
  type KeyPair,
} from '@shoal/shared';
import { createSignalingServer, type SignalingServer, type SignalingServerOptions } from '@shoal/signaling-server';

const random = createSystemRandom();
const sockets: Socket[] = [];
const servers: SignalingServer[] = [];
let folder = '';
let pageDir = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-server-'));
  pageDir = join(folder, 'page');
  await mkdir(join(pageDir, 'assets'), { recursive: true });
  await mkdir(join(pageDir, 'samples'));
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await writeFile(
    join(pageDir, 'index.html'),
    '<!doctype html><meta property="csp-nonce" nonce="__NONCE__"><title>Shoal</title>',
  );
  await writeFile(join(pageDir, 'cage.html'), '<!doctype html><script src="/assets/cage.js"></script>');
  await writeFile(join(pageDir, 'assets', 'main-1a2b.js'), `export const text = '${'long '.repeat(1_000)}';`);
  await writeFile(join(pageDir, 'samples', 'flights-200k.json'), '[]');
  await symlink(join(folder, 'secret.txt'), join(pageDir, 'link.txt'));
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  for (const server of servers.splice(0)) await server.close();
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(options: Partial<SignalingServerOptions> = {}): Promise<SignalingServer> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(folder, 'data-')));
  const server = await createSignalingServer({
    port: 0,
    host: '127.0.0.1',
    dataDir,
    pageDir,
    slotCount: 16,
    ...options,
  });
  servers.push(server);
  return server;
}

interface ConnectOptions {
  readonly headers?: Record<string, string>;
  readonly auth?: Record<string, unknown>;
}

type Connected = { readonly socket: Socket; readonly nonce: string };

/** Resolves with the challenge, or with what the handshake was refused with. */
function connect(
  server: SignalingServer,
  options: ConnectOptions = {},
): Promise<Connected | { readonly refused: unknown; readonly events: readonly string[] }> {
  const socket = io(`http://127.0.0.1:${server.port}`, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    auth: {
      mesh: 'main',
      versions: [1],
      ...(server.token === undefined ? {} : { token: server.token }),
      ...options.auth,
    },
    extraHeaders: options.headers ?? {},
  });
  sockets.push(socket);
  const events: string[] = [];
  socket.onAny((name: string) => events.push(name));
  return new Promise((resolve) => {
    socket.once('challenge', ({ nonce }: { nonce: string }) => resolve({ socket, nonce }));
    socket.once('connect_error', (error: Error & { data?: unknown }) =>
      resolve({ refused: error.data ?? error.message, events }),
    );
  });
}

async function connected(server: SignalingServer, options: ConnectOptions = {}): Promise<Connected> {
  const result = await connect(server, options);
  if ('refused' in result) throw new Error(`refused: ${JSON.stringify(result.refused)}`);
  return result;
}

async function joined(
  server: SignalingServer,
  name: string,
  keyPair: KeyPair = createKeyPair(random),
): Promise<Connected & { readonly joined: Joined; readonly id: string; readonly incarnation: string }> {
  const connection = await connected(server);
  const incarnation = must(parseIncarnation(randomHex(random, 8)), 'incarnation');
  const answer: Answer<Joined> = await connection.socket.emitWithAck('join', {
    publicKey: toHex(keyPair.publicKey),
    signature: toHex(sign(joinProof(connection.nonce, 'main', incarnation), keyPair.secretKey)),
    ...{
      incarnation,
      versions: [1],
      kind: 'node',
      name,
      durability: 'strict',
      ephemeral: false,
      weight: 1,
      workers: 1,
    },
    ...{ paused: false, freeBytes: 0, domain: 'here' },
  });
  if ('error' in answer) throw new Error(answer.error.message);
  return { ...connection, joined: answer.ok, id: peerIdOf(keyPair.publicKey), incarnation };
}

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The path as it is written: `fetch` would clean it. */
function get(
  server: SignalingServer,
  path: string,
  options: { headers?: Record<string, string>; method?: string } = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { headers = {}, method = 'GET' } = options;
    const asked = request({ host: '127.0.0.1', port: server.port, path, method, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    asked.once('error', reject);
    asked.end();
  });
}

test('joins members over real sockets, with the table as bytes', async () => {
  const server = await start();

  const ada = await joined(server, 'ada');
  const roster = new Promise((resolve) => ada.socket.once('roster', resolve));
  const ben = await joined(server, 'ben');

  expect(Buffer.from(ada.joined.table.rows).length).toBeGreaterThan(50);
  expect(ben.joined.roster.map(({ name }) => name).sort()).toEqual(['ada', 'ben']);
  expect(await roster).toMatchObject({ changed: [{ name: 'ben', state: 'here' }] });
});

test('refuses a missing or wrong token, and tells nothing of roster or signals', async () => {
  const server = await start({ token: 'right' });
  const ada = await joined(server, 'ada');

  const without = await connect(server, { auth: { token: undefined } });
  const wrong = await connect(server, { auth: { token: 'wrong' } });
  ada.socket.emit('update', { name: 'adah' }, () => undefined);
  await joined(server, 'ben');

  expect(without).toMatchObject({ refused: { code: 'bad-token' }, events: [] });
  expect(wrong).toMatchObject({ refused: { code: 'bad-token' }, events: [] });
  expect((await get(server, '/')).status).toBe(200);
});

test('makes a token when it listens beyond loopback, and stands in the address', async () => {
  const server = await start({ host: '0.0.0.0' });

  expect(new URL(server.url).searchParams.get('token')).toBe(server.token);
  expect(server.token).toHaveLength(22);
  expect(await connect(server, { auth: { token: undefined } })).toMatchObject({ refused: { code: 'bad-token' } });
  await connected(server);
});

test('refuses a page of another origin', async () => {
  const server = await start();

  expect(await connect(server, { headers: { origin: 'http://evil.example' } })).toMatchObject({
    refused: 'websocket error',
    events: [],
  });
  expect(await connect(server, { headers: { origin: 'null' } })).toMatchObject({ refused: 'websocket error' });
  await connected(server, { headers: { origin: `http://127.0.0.1:${server.port}` } });
});

test('refuses a foreign host, by a sentence that names the setting', async () => {
  const server = await start({ hosts: ['mesh.test'] });
  const rebound = { host: 'evil.example', origin: 'http://evil.example' };

  expect(await connect(server, { headers: rebound })).toMatchObject({
    refused: { code: 'bad-origin', message: expect.stringContaining('SHOAL_HOSTS=evil.example') },
    events: [],
  });
  expect(await connect(server, { headers: { host: '192.0.2.7:8080' } })).toMatchObject({
    refused: { code: 'bad-origin' },
  });
  await connected(server, { headers: { host: `mesh.test:${server.port}`, origin: `http://mesh.test:${server.port}` } });
  await connected(server, { headers: { host: `localhost:${server.port}` } });
  expect((await get(server, '/healthz', { headers: { host: 'evil.example' } })).status).toBe(403);
});

test('refuses a handshake without mesh, with a bad name, or with versions nobody speaks', async () => {
  const server = await start();

  expect(await connect(server, { auth: { mesh: '../up' } })).toMatchObject({ refused: { code: 'bad-argument' } });
  expect(await connect(server, { auth: { mesh: undefined } })).toMatchObject({ refused: { code: 'bad-argument' } });
  expect(await connect(server, { auth: { versions: [99] } })).toMatchObject({ refused: { code: 'bad-version' } });
});

test('stamps a signal with its true sender, whatever it claims', async () => {
  const server = await start();
  const ada = await joined(server, 'ada');
  const ben = await joined(server, 'ben');
  const arrived = new Promise((resolve) => ben.socket.once('signal', resolve));

  const answer: unknown = await ada.socket.emitWithAck('signal', {
    to: ben.id,
    dial: '1',
    data: 'x',
    from: ben.id,
    incarnation: ben.incarnation,
  });

  expect(answer).toEqual({ ok: {} });
  expect(await arrived).toEqual({ from: ada.id, incarnation: ada.incarnation, dial: '1', data: 'x' });
});

test('answers nothing but lookup before the join', async () => {
  const server = await start();
  const ada = await joined(server, 'ada');
  const stranger = await connected(server);

  for (const name of ['table', 'update', 'signal', 'propose', 'forget', 'goodbye']) {
    const answer: Answer<unknown> = await stranger.socket.emitWithAck(name, {
      to: ada.id,
      dial: '',
      data: '',
      member: 'ada',
      proposalId: 1,
      changes: [],
    });
    expect(answer).toMatchObject({ error: { code: expect.stringMatching(/forbidden|bad-argument/) } });
  }
  expect(await stranger.socket.emitWithAck('lookup', { members: [ada.id] })).toEqual({ ok: { alive: [true] } });
});

test('refuses floods with busy, then ends the connection; others go on', async () => {
  const server = await start();
  const ada = await joined(server, 'ada');
  const ben = await joined(server, 'ben');
  const ended = new Promise((resolve) => ada.socket.once('disconnect', resolve));
  let busy = 0;

  for (let count = 0; count < 8_000; count += 1) {
    ada.socket.emit('signal', { to: ben.id, dial: '1', data: 'x' }, (answer: Answer<unknown>) => {
      if ('error' in answer && answer.error.code === 'busy') busy += 1;
    });
  }
  await ended;

  // The last answers may go down with the connection.
  expect(busy).toBeGreaterThan(0);
  expect(await ben.socket.emitWithAck('table', {})).toMatchObject({ ok: { term: 1 } });
});

test('lets a member dial fifty others at once', async () => {
  const server = await start();
  const ada = await joined(server, 'ada');
  const ben = await joined(server, 'ben');
  let arrived = 0;
  ben.socket.on('signal', () => (arrived += 1));

  const signals = Array.from({ length: 50 * 20 }, () =>
    ada.socket.emitWithAck('signal', { to: ben.id, dial: '1', data: 'y'.repeat(3_000) }),
  );

  expect((await Promise.all(signals)).every((answer: unknown) => JSON.stringify(answer) === '{"ok":{}}')).toBe(true);
  await expect.poll(() => arrived).toBe(1_000);
});

test('refuses a signal that is too long, and cuts off a message that is longer still', async () => {
  const server = await start();
  const ada = await joined(server, 'ada');
  const ended = new Promise((resolve) => ada.socket.once('disconnect', resolve));

  expect(await ada.socket.emitWithAck('signal', { to: ada.id, dial: '1', data: 'z'.repeat(65_537) })).toMatchObject({
    error: { code: 'bad-argument' },
  });
  ada.socket.emit('signal', { data: 'z'.repeat(1_100_000) });

  await ended;
});

test('ends a connection that says what is no word of the protocol', async () => {
  const server = await start();
  const { socket } = await connected(server);
  const ended = new Promise((resolve) => socket.once('disconnect', resolve));

  socket.emit('put', 'key', 'value');

  expect(await ended).toBe('io server disconnect');
});

test('holds so many connections of one address, and of all, and no more', async () => {
  const server = await start({ connections: { perAddress: 2, total: 10 } });
  const { socket } = await connected(server);
  await connected(server);

  expect(await connect(server)).toMatchObject({ refused: { code: 'busy' } });
  socket.disconnect();
  await expect.poll(async () => 'socket' in (await connect(server))).toBe(true);
});

test('refuses a mesh whose file is damaged, by its code, and serves others', async () => {
  const dataDir = await mkdtemp(join(folder, 'data-'));
  await writeFile(join(dataDir, 'main.table'), 'SHOALTBL and then nothing of use, though long enough to be looked at');
  const server = await start({ dataDir });

  expect(await connect(server)).toMatchObject({ refused: { code: 'stale-table' } });
  await connected(server, { auth: { mesh: 'other' } });
});

test('refuses nobody for good while it closes: who calls tries again', async () => {
  const server = await start();
  await server.registrar.close();
  const socket = io(`http://127.0.0.1:${server.port}`, {
    ...{ transports: ['websocket'], forceNew: true, reconnectionDelay: 10, reconnectionDelayMax: 10 },
    auth: { mesh: 'main', versions: [1] },
  });
  sockets.push(socket);
  const refusals: unknown[] = [];
  socket.on('connect_error', (error: Error & { data?: unknown }) => refusals.push(error.data));

  await new Promise((resolve) => socket.io.once('reconnect_attempt', resolve));

  expect(refusals.filter((data) => data !== undefined)).toEqual([]);
});

test('says that a port or a data folder is in use', async () => {
  const dataDir = await mkdtemp(join(folder, 'data-'));
  const server = await start({ dataDir });

  await expect(start({ port: server.port })).rejects.toMatchObject({ code: 'port-in-use' });
  await expect(start({ dataDir })).rejects.toMatchObject({ code: 'locked' });
});

test('serves the page of each mesh with a strict policy and a fresh nonce', async () => {
  const server = await start();

  const first = await get(server, '/');
  const second = await get(server, '/m/other');

  const policy = String(first.headers['content-security-policy']);
  const nonce = must(/'nonce-([^']+)'/.exec(policy)?.[1], 'nonce');
  expect(policy).toContain("default-src 'self'; script-src 'self'; worker-src 'self' blob:");
  expect(policy).toContain(`connect-src 'self' ws://127.0.0.1:${server.port}`);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(first.body.toString()).toContain(`nonce="${nonce}"`);
  expect(second.status).toBe(200);
  expect(second.body.toString()).not.toContain(nonce);
  expect(second.headers['content-security-policy']).not.toContain(nonce);
  expect(first.headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  });
});

test('serves the cage with a policy of its own, to be framed by the page alone', async () => {
  const server = await start();

  const { headers } = await get(server, '/cage.html');

  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'; script-src 'self' blob:; worker-src data:; connect-src 'none'");
  expect(policy).toContain("frame-ancestors 'self'");
});

test('compresses, and lets hashed files be kept for ever and others be asked for again', async () => {
  const server = await start();

  const asset = await get(server, '/assets/main-1a2b.js', { headers: { 'accept-encoding': 'gzip, br' } });
  const plain = await get(server, '/assets/main-1a2b.js');
  const sample = await get(server, '/samples/flights-200k.json');
  const again = await get(server, '/samples/flights-200k.json', {
    headers: { 'if-none-match': String(sample.headers.etag) },
  });

  expect(asset.headers).toMatchObject({
    'content-encoding': 'br',
    'cache-control': 'public, max-age=31536000, immutable',
  });
  expect(asset.body.length).toBeLessThan(plain.body.length);
  expect(brotliDecompressSync(asset.body)).toEqual(plain.body);
  expect(sample.headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-cache',
  });
  expect(again.status).toBe(304);
});

test.each([
  '/../secret.txt',
  '/assets/../../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/assets/..%5c..%5csecret.txt',
  '//secret.txt',
  '/link.txt',
  '/%00',
  '/%ff',
  '/assets',
  '/.env',
  '/m/..',
  '/m/a/b',
])('gives nothing out for %s', async (path) => {
  const server = await start();

  const { status, body } = await get(server, path);

  expect(status).toBe(404);
  expect(body.toString()).not.toContain('secret');
});

test('answers 405 to other methods, and HEAD without a body', async () => {
  const server = await start();

  const posted = await get(server, '/', { method: 'POST' });
  const head = await get(server, '/', { method: 'HEAD' });

  expect(posted).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  expect(head.status).toBe(200);
  expect(head.body).toHaveLength(0);
});

test('says that the page is not built', async () => {
  const server = await start({ pageDir: join(folder, 'nowhere') });

  const { status, body } = await get(server, '/');

  expect(status).toBe(503);
  expect(body.toString()).toContain('npm run build');
});

test('shows its health: members, meshes and what it relayed', async () => {
  const server = await start();
  const ada = await joined(server, 'ada');
  const ben = await joined(server, 'ben');
  await ada.socket.emitWithAck('signal', { to: ben.id, dial: '1', data: 'four' });

  const { body } = await get(server, '/healthz');

  expect(JSON.parse(body.toString())).toMatchObject({
    status: 'ok',
    version: 1,
    meshes: 1,
    members: 2,
    relayedSignals: 1,
    relayedBytes: 4,
    frozen: [],
  });
});
