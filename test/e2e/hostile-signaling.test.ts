// What may be said to the server over a real socket, by whom, and what it answers. After each it is alive,
// and a member that had joined before is served as before.

import { request } from 'node:http';
import { join, type Mesh } from '@shoal/node-peer';
import {
  joinProof,
  limits,
  sign,
  toHex,
  type Answer,
  type Joined,
  type MeshErrorWire,
  type Outcome,
  type RosterEntry,
} from '@shoal/shared';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connect, createIdentity, joinOf, joinRaw, rawFrame, type Connection } from './hostile-member.ts';
import { createStage, type PeerRunning, until } from './support.ts';

const stage = createStage();
const opened: Connection[] = [];
let url: string;
let guarded: string;
let ada: PeerRunning;
let witness: Mesh;

interface Health {
  readonly status: string;
  readonly members: number;
  readonly relayedSignals: number;
  readonly relayedBytes: number;
}

beforeAll(async () => {
  const [open, closed] = await Promise.all([stage.startServer(), stage.startServer({ args: ['--token', 'sesame'] })]);
  url = new URL(open.url).origin;
  guarded = new URL(closed.url).origin;
  ada = await stage.startPeer(url, { name: 'ada', args: ['--workers', '1'] });
  witness = await join({ url, kind: 'command', name: 'witness', workers: 1 });
  await witness.put('kept', 'as it was');
});

afterAll(async () => {
  await witness?.leave({ handOver: false });
  await stage.close();
});

afterEach(async () => {
  for (const connection of opened.splice(0)) connection.close();
  expect(await health()).toMatchObject({ status: 'ok' });
  // Through the server too: a link anew, and a table from it.
  expect(await witness.get('kept', { timeoutMs: 10_000 })).toBe('as it was');
  expect(ada.child.exitCode).toBeNull();
});

async function health(): Promise<Health> {
  return (await (await fetch(`${url}/healthz`)).json()) as Health;
}

async function socket(...options: Parameters<typeof connect>): Promise<Connection> {
  const connection = await connect(...options);
  opened.push(connection);
  return connection;
}

async function joinedSocket(
  changes: Parameters<typeof joinOf>[2] = {},
): Promise<{ readonly connection: Connection; readonly joined: Joined }> {
  const connection = await socket(url);
  const answer = (await connection.ask('join', joinOf(createIdentity(), connection.nonce, changes))) as Answer<Joined>;
  if ('error' in answer) throw new Error(answer.error.message);
  return { connection, joined: answer.ok };
}

function memberNamed(joined: Joined, name: string): RosterEntry {
  const entry = joined.roster.find((each) => each.name === name);
  if (entry === undefined) throw new Error(`nobody is called ${name}`);
  return entry;
}

async function refusalOf(promise: Promise<unknown>): Promise<Error & { readonly data?: MeshErrorWire }> {
  try {
    await promise;
  } catch (error) {
    return error as Error & { readonly data?: MeshErrorWire };
  }
  throw new Error('it was not refused');
}

describe('who may connect', () => {
  test.each([
    ['no token', undefined],
    ['a wrong token', 'sesam'],
    ['an empty token', ''],
    ['a long token', 'x'.repeat(10_000)],
  ])('%s: no roster, no table, no signal', async (_what, token) => {
    const refusal = await refusalOf(connect(guarded, token === undefined ? {} : { token }));

    expect(refusal.data).toMatchObject({ code: expect.stringMatching(/^bad-(token|argument)$/) as string });
    expect(JSON.stringify(refusal.data)).not.toContain('sesame');
    const allowed = await socket(guarded, { token: 'sesame' });
    expect(allowed.events).toEqual([]);
  });

  test('of a token the command line says in one sentence what to do', async () => {
    const done = await stage.shoal(['status', '--join', guarded, '--token', 'wrong']);

    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr).toMatch(/^[^\n]*token[^\n]*\n$/);
  });

  test.each([
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['the Origin of another port', { origin: 'http://127.0.0.1:1' }],
    ['the Origin of no page', { origin: 'null' }],
    ['a foreign Host', { host: 'evil.example' }],
    ['a foreign Host that its page gave this address', { host: 'evil.example', origin: 'http://evil.example' }],
  ])('%s is refused', async (_what, headers) => {
    await refusalOf(connect(url, { headers }));
  });

  test('a foreign Host does not even learn how the server is', async () => {
    const status = await new Promise((resolve) => {
      request(`${url}/healthz`, { headers: { host: 'evil.example' } }, (response) =>
        resolve(response.statusCode),
      ).end();
    });

    expect(status).toBe(403);
  });

  test.each([
    ['nothing', undefined],
    ['no object', 'main'],
    ['a mesh whose name is a path', { mesh: '../main', versions: [1] }],
    ['no common version', { mesh: 'main', versions: [99] }],
    ['versions without number', { mesh: 'main', versions: 'all' }],
  ])('a handshake of %s is refused', async (_what, auth) => {
    await refusalOf(connect(url, { auth: auth ?? {} }));
  });
});

describe('joining', () => {
  const cases: readonly [string, (nonce: string) => object][] = [
    ['a signature of something else', (nonce) => joinOf(createIdentity(), `${nonce}0`)],
    [
      "somebody else's public key",
      (nonce) => joinOf(createIdentity(), nonce, { publicKey: toHex(createIdentity().keyPair.publicKey) }),
    ],
    ['a signature of another incarnation', (nonce) => joinOf(createIdentity(), nonce, { incarnation: 'f'.repeat(16) })],
    ['a key that is no point', (nonce) => joinOf(createIdentity(), nonce, { publicKey: 'ff'.repeat(32) })],
    [
      'the key of nobody',
      (nonce) => joinOf(createIdentity(), nonce, { publicKey: '00'.repeat(32), signature: '00'.repeat(64) }),
    ],
    ['a name without end', (nonce) => joinOf(createIdentity(), nonce, { name: 'm'.repeat(100_000) })],
    ['a weight that is no number', (nonce) => joinOf(createIdentity(), nonce, { weight: Number.NaN })],
    ['a kind that is none', (nonce) => joinOf(createIdentity(), nonce, { kind: 'admin' })],
    ['free bytes without end', (nonce) => joinOf(createIdentity(), nonce, { freeBytes: Number.POSITIVE_INFINITY })],
    ['another mesh id', (nonce) => joinOf(createIdentity(), nonce, { meshId: '0'.repeat(32) })],
  ];
  test.each(cases)('with %s is refused, and shows nothing', async (_what, ask) => {
    const connection = await socket(url);
    const answer = await connection.ask('join', ask(connection.nonce));

    expect(Object.keys(answer)).toEqual(['error']);
    expect(await connection.ask('table', {})).toMatchObject({ error: { code: 'forbidden' } });
    expect(connection.events).toEqual([]);
  });

  test('with what another connection signed is refused', async () => {
    const [first, second] = [await socket(url), await socket(url)];

    expect(await second.ask('join', joinOf(createIdentity(), first.nonce))).toMatchObject({
      error: { code: 'forbidden' },
    });
  });

  test('as a member that is there needs its key: its place is not taken', async () => {
    const { joined } = await joinedSocket();
    const victim = memberNamed(joined, 'ada');
    const thief = createIdentity();
    const connection = await socket(url);
    const proof = joinProof(connection.nonce, 'main', victim.incarnation);
    const ask = joinOf(thief, connection.nonce, {
      publicKey: victim.publicKey,
      incarnation: victim.incarnation,
      signature: toHex(sign(proof, thief.keyPair.secretKey)),
    });

    expect(await connection.ask('join', ask)).toMatchObject({ error: { code: 'forbidden' } });
    expect(ada.child.exitCode).toBeNull();
  });

  test('twice over one connection is refused', async () => {
    const { connection } = await joinedSocket();

    expect(await connection.ask('join', joinOf(createIdentity(), connection.nonce))).toMatchObject({
      error: { code: 'forbidden' },
    });
  });
});

describe('signals', () => {
  test('carry the sender that sent them, whatever they claim', async () => {
    const [alice, bob] = [await joinedSocket({ name: 'alice' }), await joinedSocket({ name: 'bob' })];
    const victim = memberNamed(bob.joined, 'ada');
    const [aliceId, bobId] = ['alice', 'bob'].map((name) => memberNamed(bob.joined, name).id);
    const smuggled = { to: bobId, dial: 'd', data: '[]', from: victim.id, incarnation: victim.incarnation };

    expect(await alice.connection.ask('signal', smuggled)).toEqual({ ok: {} });
    await until(
      () => bob.connection.events.some(({ name }) => name === 'signal'),
      () => 'the signal',
    );
    const signal = bob.connection.events.find(({ name }) => name === 'signal');
    expect(signal?.payload).toMatchObject({ from: aliceId, data: '[]' });
  });

  test('go to nobody in another mesh, to nobody that is not there, and from nobody who has not joined', async () => {
    const { connection, joined } = await joinedSocket();
    const target = memberNamed(joined, 'ada').id;
    const stranger = await socket(url, { mesh: 'other' });
    const signal = { to: target, dial: 'd', data: '[]' };
    expect(await stranger.ask('signal', signal)).toMatchObject({ error: { code: 'forbidden' } });

    const identity = createIdentity();
    const proof = joinProof(stranger.nonce, 'other', identity.incarnation);
    const ask = joinOf(identity, stranger.nonce, { signature: toHex(sign(proof, identity.keyPair.secretKey)) });
    expect(await stranger.ask('join', ask)).toHaveProperty('ok');
    expect(await stranger.ask('signal', signal)).toMatchObject({ error: { code: 'no-member' } });
    expect(await connection.ask('signal', { ...signal, to: createIdentity().id })).toMatchObject({
      error: { code: 'no-member' },
    });
  });

  test('of junk are dropped by the member that gets them', async () => {
    const { connection, joined } = await joinedSocket();
    const to = memberNamed(joined, 'ada').id;
    const junk = [
      '',
      'not json',
      '{}',
      '[[]]',
      '[{"type":"offer","sdp":"v=0"}]',
      '[{"type":"answer","sdp":""}]',
      '[{"type":"candidate","candidate":{"candidate":"candidate:bad"}}]',
      '[{"renegotiate":true},{"transceiverRequest":{"kind":"video"}}]',
      '['.repeat(30_000),
    ];
    for (const [index, data] of junk.entries()) {
      expect(await connection.ask('signal', { to, dial: `junk-${index}`, data })).toEqual({ ok: {} });
      expect(await connection.ask('signal', { to, dial: 'same', data })).toEqual({ ok: {} });
    }
    expect(await connection.ask('signal', { to, dial: 'd', data: 'x'.repeat(limits.signalBytes + 1) })).toHaveProperty(
      'error',
    );
    expect(await connection.ask('signal', { to, dial: 'd'.repeat(33), data: '' })).toHaveProperty('error');

    // A member that got them is still to be dialled, by somebody new.
    expect((await stage.shoal(['get', '--join', url, 'kept'])).stdout).toBe('as it was');
  });

  test('whose hello then claims another sender open nothing', async () => {
    const member = await joinRaw(url);
    const target = member.memberNamed('ada');
    const link = await member.dial(target.id);
    link.send(
      member.hello({
        member: member.memberNamed('witness').id,
        incarnation: member.memberNamed('witness').incarnation,
      }),
    );
    link.sendBytes(rawFrame({ kind: 1, head: {} }));

    await link.closed;
    await member.close();
  });
});

describe('proposals', () => {
  const handOver = (
    slot: number,
    epoch: number,
    to: { readonly id: string; readonly incarnation: string },
  ): object => ({
    slot,
    epoch,
    change: { kind: 'hand-over', member: to.id, incarnation: to.incarnation },
  });

  test('of one that owns nothing, of a stale epoch, or of a command, change nothing', async () => {
    const before = await stage.status(url);
    const command = await joinedSocket();
    const identity = createIdentity();
    const connection = await socket(url);
    // A node that gives nothing gets nothing, and may propose.
    const join = joinOf(identity, connection.nonce, { kind: 'node', weight: 0, name: 'grabber' });
    const answer = (await connection.ask('join', join)) as Answer<Joined>;
    if ('error' in answer) throw new Error(answer.error.message);
    const changes = [0, 1, 2, 0xffff_ffff].map((epoch) => handOver(7, epoch, identity));

    expect(await command.connection.ask('propose', { proposalId: 1, changes })).toMatchObject({
      error: { code: 'forbidden' },
    });
    for (const [index, change] of changes.entries()) {
      const outcome = (await connection.ask('propose', { proposalId: index, changes: [change] })) as Answer<Outcome>;
      expect(outcome).toMatchObject({ ok: { slots: [{ slot: 7, written: false }] } });
    }
    const everything = Array.from({ length: 4_096 }, (_, slot) => handOver(slot, 1, identity));
    const greedy = (await connection.ask('propose', { proposalId: 9, changes: everything })) as Answer<Outcome>;
    expect('ok' in greedy && greedy.ok.slots.every(({ written }) => !written)).toBe(true);
    for (const garbage of [
      null,
      [],
      { proposalId: -1, changes },
      { proposalId: 1, changes: [] },
      { proposalId: 1, changes: [null] },
    ]) {
      expect(await connection.ask('propose', garbage)).toHaveProperty('error');
    }
    connection.close();

    await until(
      async () => (await stage.status(url)).members.every(({ name, slots }) => slots > 0 === (name === 'ada')),
      () => 'the table as it was',
    );
    expect((await stage.status(url)).epoch).toBe(before.epoch);
  });
});

describe('anything else', () => {
  const deep = JSON.parse(`${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`) as unknown;
  const garbage: readonly unknown[] = [
    null,
    0,
    -1,
    'text',
    [],
    {},
    deep,
    Array.from({ length: 100_000 }, () => 1),
    new Uint8Array(1_000),
  ];
  const words = ['join', 'lookup', 'table', 'update', 'signal', 'propose', 'forget', 'here', 'hears'];

  test('garbage for payloads is answered with a code, or not at all', async () => {
    const { connection } = await joinedSocket();
    for (const word of words.filter(
      (each) => each !== 'here' && each !== 'hears' && each !== 'table' && each !== 'update',
    )) {
      for (const payload of garbage)
        expect([word, await connection.ask(word, payload)]).toEqual([
          word,
          { error: expect.objectContaining({ code: expect.any(String) as string }) as object },
        ]);
    }
    for (const word of words) {
      for (const payload of garbage) connection.socket.emit(word, payload);
      connection.socket.emit(word);
      connection.socket.emit(word, {}, 'no acknowledgement', 3);
      connection.socket.emit(word, () => undefined);
    }
    // Answered, if only by its limits; and whoever comes next is served.
    expect(Object.keys(await connection.ask('table', {}))).toHaveLength(1);
    expect((await joinedSocket()).joined.roster.length).toBeGreaterThan(1);
  });

  test('an update of what is no number changes nothing', async () => {
    const { connection } = await joinedSocket({ name: 'updater' });
    for (const update of [
      { workers: Number.NaN },
      { workers: -1 },
      { workers: 1e9 },
      { freeBytes: Number.NaN },
      { paused: 'yes' },
      { name: '' },
      { name: 7 },
    ]) {
      expect(await connection.ask('update', update)).toMatchObject({ error: { code: 'bad-argument' } });
    }
    // What is no field of it is left out: a weight is not to be had later.
    expect(await connection.ask('update', { weight: 16, kind: 'node', slots: 4_096 })).toEqual({ ok: {} });
    expect(memberNamed((await joinedSocket()).joined, 'updater')).toMatchObject({
      kind: 'command',
      weight: 0,
      workers: 0,
    });
  });

  test('a message over the limit ends that connection', async () => {
    const { connection } = await joinedSocket();
    const ended = new Promise((resolve) => connection.socket.once('disconnect', resolve));
    connection.socket.emit('update', { name: 'x'.repeat(limits.signalingBytes + 1_000) });

    await ended;
  });

  test('a word that is none ends that connection', async () => {
    const { connection } = await joinedSocket();
    const ended = new Promise((resolve) => connection.socket.once('disconnect', resolve));
    connection.socket.emit('give-me-values', { key: 'kept' });

    await ended;
  });

  test('bytes that are no message of Socket.IO end that connection', async () => {
    for (const text of [
      '4',
      '42',
      '42[',
      '42["join",',
      '4999999-["join"]',
      '451-["join",{"_placeholder":true,"num":9}]',
      '9',
      '42{"a":1}',
    ]) {
      const connection = await socket(url);
      const ended = new Promise((resolve) => connection.socket.once('disconnect', resolve));
      // The socket's own engine, below all parsing.
      const engine = connection.socket.io.engine as unknown as { transport: { ws: { send(text: string): void } } };
      engine.transport.ws.send(text);
      await Promise.race([ended, connection.ask('lookup', { members: [] })]);
      connection.close();
    }
  });

  test('too much of anything is refused, and who goes on is cut off', async () => {
    const { connection } = await joinedSocket();
    const ended = new Promise((resolve) => connection.socket.once('disconnect', resolve));
    for (let index = 0; index < 12_000; index += 1) connection.socket.emit('lookup', { members: [] });

    await ended;
  });
});

test('no value and no task goes through the server: what it relays stands still while they move', async () => {
  // The links are open; what follows goes over them.
  await witness.put('relay/warm', 'up');
  const before = await health();
  const large = new Uint8Array(256 * 1024).fill(1);
  for (let index = 0; index < 200; index += 1)
    await witness.put(`relay/${index}`, index % 20 === 0 ? large : `value ${index}`);
  for (let index = 0; index < 200; index += 1) await witness.get(`relay/${index}`);
  for await (const _entry of witness.keys('relay/*')) continue;
  const owner = await witness.call('export default (a, b, ctx) => a + b;', [2, 3], { key: 'relay/0' });
  const after = await health();

  expect(owner).toBe(5);
  expect([after.relayedBytes, after.relayedSignals]).toEqual([before.relayedBytes, before.relayedSignals]);
});
