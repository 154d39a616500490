// What a member may send to a real `shoal peer` over a real data channel, and what it gets for it: a code, or
// a closed link, and nothing changed. After each, that peer answers a get of somebody else.

import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, type Mesh } from '@shoal/node-peer';
import { encode } from '@msgpack/msgpack';
import {
  encodeFrame,
  limits,
  makeRequestId,
  NO_PAYLOAD,
  requireKey,
  slotOfKey,
  type DataFrame,
  type Frame,
  type GetFrame,
  type Incarnation,
  type Key,
  type MeshId,
  type PutFrame,
  type RequestId,
  type Slot,
  type SlotFrame,
  type Version,
} from '@shoal/shared';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FRAME_KIND_NUMBERS } from '../../shared/src/frame-kinds.ts';
import { createIdentity, joinRaw, rawFragment, rawFrame, type RawLink, type RawMember } from './hostile-member.ts';
import { createStage, type PeerRunning } from './support.ts';

const stage = createStage();
let url: string;
let ada: PeerRunning;
let witness: Mesh;
let mallory: RawMember;
let link: RawLink;
/** Keys that ada owns, each with a value; and one of ben's. */
let adasKey: Key;
let bensKey: Key;
let checks = 0;
let requests = 0;

beforeAll(async () => {
  ({ url } = await stage.startServer());
  [ada] = (await stage.startPeers(url, ['ada', 'ben'], { args: ['--workers', '1'] })) as [PeerRunning, PeerRunning];
  witness = await join({ url, kind: 'command', name: 'witness', workers: 1 });
  const scout = await joinRaw(url);
  adasKey = keyOf(scout, 'ada', 'with-ada');
  bensKey = keyOf(scout, 'ben', 'with-ben');
  await scout.close();
  await witness.put(adasKey, 'of ada');
  await witness.put(bensKey, 'of ben');
});

afterAll(async () => {
  await witness?.leave({ handOver: false });
  await stage.close();
});

beforeEach(async () => {
  mallory = await joinRaw(url);
  link = await mallory.link(mallory.memberNamed('ada').id);
});

afterEach(async () => {
  await mallory.close();
  // The same process, with the same value, and it still takes another.
  expect(await witness.get(adasKey, { timeoutMs: 10_000 })).toBe('of ada');
  checks += 1;
  await witness.put(`{${adasKey}}/check`, { checks }, { timeoutMs: 10_000 });
  expect(await witness.get(`{${adasKey}}/check`, { timeoutMs: 10_000 })).toEqual({ checks });
  expect(ada.child.exitCode).toBeNull();
  expect(ada.stderr()).toBe('');
});

/** A key whose slot that member owns. */
function keyOf(member: RawMember, owner: string, prefix: string): Key {
  const { id } = member.memberNamed(owner);
  for (let index = 0; ; index += 1) {
    const key = requireKey(`${prefix}-${index}`);
    if (member.rows[slotOfKey(key, 4_096)]?.owner === id) return key;
  }
}

function nextId(): RequestId {
  requests += 1;
  return makeRequestId(mallory.incarnation, requests);
}

function head() {
  return { id: nextId(), ageMs: 0, remainingMs: 5_000, forwarded: false };
}

function slotOf(key: Key): Slot {
  return slotOfKey(key, 4_096);
}

function getOf(key: Key, changes: Partial<GetFrame> = {}): GetFrame {
  return { kind: 'get', ...head(), slot: slotOf(key), epoch: 0, key, wait: false, ...changes };
}

function putOf(key: Key, text: string, changes: Partial<PutFrame> = {}): PutFrame {
  const payload = new TextEncoder().encode(text);
  const write = {
    key,
    op: 'put',
    mediaType: 'text/plain;charset=utf-8',
    contentNamed: false,
    sizeBytes: payload.byteLength,
  } as const;
  return { kind: 'put', ...head(), slot: slotOf(key), epoch: 0, minCopies: 1, writes: [write], payload, ...changes };
}

async function ask(frame: GetFrame | PutFrame): Promise<DataFrame> {
  link.send(frame);
  return answerTo(frame.id);
}

function answerTo(id: RequestId): Promise<DataFrame> {
  return link.next('data', (data) => data.id === id);
}

/** The link lives, and what came before on it was worked off. */
async function stillServed(): Promise<void> {
  expect((await ask(getOf(adasKey))).result).toMatchObject({ kind: 'value', sizeBytes: 6 });
}

async function nothingAnswered(ids: readonly RequestId[]): Promise<void> {
  await stillServed();
  expect(link.received.filter((frame) => frame.kind === 'data' && ids.includes(frame.id))).toEqual([]);
}

function fieldsOf(frame: Frame, changes: object): object {
  const { kind: _kind, ...fields } = 'payload' in frame ? { ...frame, payload: undefined } : frame;
  return Object.fromEntries(Object.entries({ ...fields, ...changes }).filter(([, value]) => value !== undefined));
}

function sendChanged(frame: Frame, changes: object, payload: Uint8Array = NO_PAYLOAD): void {
  link.sendBytes(rawFrame({ kind: FRAME_KIND_NUMBERS[frame.kind], head: fieldsOf(frame, changes), payload }));
}

function residentMiB(): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${ada.pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

describe('frames that are none', () => {
  test('truncated, over-long, of another version or unknown kind: dropped, and the link lives', async () => {
    const whole = encodeFrame(getOf(adasKey));
    link.sendBytes(whole.subarray(0, 7));
    link.sendBytes(whole.subarray(0, whole.length - 3));
    link.sendBytes(new Uint8Array([...whole, 0, 0, 0]));
    link.sendBytes(rawFrame({ kind: 1, head: {}, headLength: 0xffff_ffff }));
    link.sendBytes(rawFrame({ kind: 2, head: {}, payloadLength: 0xffff_ffff }));
    link.sendBytes(rawFrame({ kind: 1, head: fieldsOf(getOf(adasKey), {}), version: 2 }));
    link.sendBytes(rawFrame({ kind: 99, head: {} }));
    link.sendBytes(rawFrame({ kind: 0, head: {} }));
    link.sendBytes(rawFrame({ kind: 1, head: new Uint8Array([0xc1]) }));
    link.sendBytes(rawFrame({ kind: 1, head: new Uint8Array([0xdf, 0xff, 0xff, 0xff, 0xff]) }));
    link.sendBytes(rawFrame({ kind: 17, head: { number: 1 } }));

    await stillServed();
  });

  test('after too many of them that link is closed, and the others live', async () => {
    for (let index = 0; index < 40 && !link.isClosed; index += 1) link.sendBytes(rawFrame({ kind: 99, head: {} }));

    await link.closed;
  });

  test('a head nested without end is refused', async () => {
    const deep = new Uint8Array(200_000).fill(0x91);
    deep[deep.length - 1] = 0xc0;
    link.sendBytes(rawFrame({ kind: 4, head: deep }));
    link.sendBytes(rawFrame({ kind: 1, head: deep }));
    const asked = nextId();
    const body = JSON.parse(`${'['.repeat(90)}${']'.repeat(90)}`) as unknown;
    link.sendBytes(rawFrame({ kind: 4, head: { ...head(), id: asked, service: 'keys', part: 'ask', body } }));

    await nothingAnswered([asked]);
  });

  test('text ends the link', async () => {
    link.sendText('GET / HTTP/1.1');

    await link.closed;
  });

  test('a message over what any member sends ends the link', async () => {
    link.sendMessage(new Uint8Array(limits.fragmentBytes + 17));

    await link.closed;
  });
});

describe('fragments', () => {
  const body = new Uint8Array(1_000);

  test('out of order, twice, past their total or of another version: their frame is dropped, others go on', async () => {
    const frame = encodeFrame(putOf(adasKey, 'x'.repeat(3_000)));
    const part = (offset: number, end: number, flags: number): Uint8Array =>
      rawFragment({ flags, stream: 700, offset, total: frame.length, body: frame.subarray(offset, end) });
    link.sendMessage(part(0, 1_000, 1));
    link.sendMessage(part(2_000, frame.length, 2));
    link.sendMessage(part(1_000, 2_000, 0));
    link.sendMessage(rawFragment({ flags: 1, stream: 701, offset: 0, total: 5_000, body }));
    link.sendMessage(rawFragment({ flags: 1, stream: 701, offset: 0, total: 5_000, body }));
    link.sendMessage(rawFragment({ flags: 2, stream: 702, offset: 4_000, total: 4_500, body }));
    link.sendMessage(rawFragment({ flags: 3, stream: 703, offset: 0, total: 1_000, body, version: 9 }));
    link.sendMessage(rawFragment({ flags: 1, stream: 704, offset: 0, total: 0xffff_ffff, body }));
    link.sendMessage(new Uint8Array(0));
    link.sendMessage(new Uint8Array(15));

    await stillServed();
  });

  test('never finished: what they hold is bounded, and too many of them end the link', async () => {
    const before = residentMiB();
    const large = new Uint8Array(32 * 1024);
    for (let stream = 1_000; stream < 2_100 && !link.isClosed; stream += 1) {
      link.sendMessage(rawFragment({ flags: 1, stream, offset: 0, total: limits.frameBytes, body: large }));
    }

    await link.closed;
    expect(residentMiB() - before).toBeLessThan(300);
  });
});

describe('keys and values', () => {
  test('a key of 513 bytes, an empty one, or one that is not UTF-8, is no key', async () => {
    const long = getOf(adasKey);
    sendChanged(long, { key: 'k'.repeat(513) });
    const none = getOf(adasKey);
    sendChanged(none, { key: '' });
    const [before, after] = [encode(fieldsOf(getOf(adasKey), { key: 'hello' })), new TextEncoder().encode('hello')];
    const at = Buffer.from(before).indexOf(Buffer.from(after));
    before[at] = 0xff;
    link.sendBytes(rawFrame({ kind: 1, head: before }));
    const put = putOf(adasKey, 'v');
    sendChanged(put, { writes: [{ ...put.writes[0], key: 'k'.repeat(513) }] }, put.payload);

    await nothingAnswered([long.id, none.id, put.id]);
  });

  test('a value over the limit, or of another size than its head says, is not written', async () => {
    const key = requireKey(`{${adasKey}}/size`);
    const put = putOf(key, 'value');
    sendChanged(put, { writes: [{ ...put.writes[0], sizeBytes: limits.valueBytes + 1 }] }, put.payload);
    sendChanged(put, { writes: [{ ...put.writes[0], sizeBytes: 4 }] }, put.payload);
    sendChanged(put, { writes: [] }, put.payload);
    sendChanged(put, { writes: [put.writes[0], put.writes[0]] }, new Uint8Array(13));

    expect((await ask(getOf(key))).result).toEqual({ kind: 'absent' });
    await nothingAnswered([put.id]);
  });

  test('one fragment that promises 66 MiB and more is refused', async () => {
    link.sendMessage(
      rawFragment({ flags: 1, stream: 900, offset: 0, total: limits.frameBytes + 1, body: new Uint8Array(16) }),
    );

    await stillServed();
  });

  test('a time to live beyond all time leaves a value that can be read, and a slot that can move', async () => {
    const key = requireKey(`{${adasKey}}/ttl`);
    const put = putOf(key, 'for ever');
    const answer = await ask({
      ...put,
      writes: put.writes.map((write) => ({ ...write, ttlMs: Number.MAX_SAFE_INTEGER })),
    });

    if (answer.result.kind === 'done') expect((await ask(getOf(key))).result).toMatchObject({ kind: 'value' });
    else expect(answer.result).toMatchObject({ kind: 'refused', error: { code: 'bad-argument' } });
  });

  test('a value that is not what its media type says is still the bytes that were put', async () => {
    const key = requireKey(`{${adasKey}}/json`);
    const put = putOf(key, '{"not": json');
    await ask({ ...put, writes: put.writes.map((write) => ({ ...write, mediaType: 'application/json' })) });

    expect(await witness.get(key)).toEqual(put.payload);
    expect(await stage.shoal(['get', '--join', url, key])).toMatchObject({
      code: 0,
      stdout: '{"not": json',
      stderr: '',
    });
  });
});

describe('requests', () => {
  test('for a slot of somebody else are told where it is, and change nothing', async () => {
    const bens = mallory.memberNamed('ben').id;

    expect((await ask(getOf(bensKey))).result).toMatchObject({ kind: 'moved', row: { owner: bens } });
    expect((await ask(putOf(bensKey, 'stolen'))).result).toMatchObject({ kind: 'moved', row: { owner: bens } });
    expect(await witness.get(bensKey)).toBe('of ben');
  });

  test('with keys of another slot, or a slot that no mesh has, are refused', async () => {
    const slot = slotOf(adasKey);
    const foreign = await ask(putOf(bensKey, 'smuggled', { slot }));
    const lookup = await ask(getOf(bensKey, { slot }));
    const beyond = await ask(getOf(adasKey, { slot: 65_535 as Slot }));

    for (const { result } of [foreign, lookup, beyond])
      expect(result).toMatchObject({ kind: 'refused', error: { code: 'bad-frame' } });
    expect(await witness.get(bensKey)).toBe('of ben');
  });

  test('with times that are huge, negative, endless or no numbers are bounded or refused', async () => {
    const refused = [-1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, '1'].flatMap((value) => {
      const [remaining, age] = [getOf(adasKey), getOf(adasKey)];
      sendChanged(remaining, { remainingMs: value });
      sendChanged(age, { ageMs: value });
      return [remaining.id, age.id];
    });
    await nothingAnswered(refused);

    const endless = { remainingMs: Number.MAX_SAFE_INTEGER, ageMs: Number.MAX_SAFE_INTEGER };
    expect((await ask(getOf(adasKey, endless))).result).toMatchObject({ kind: 'value' });
    link.send(getOf(requireKey(`{${adasKey}}/never`), { ...endless, wait: true }));
    link.send(getOf(adasKey, { remainingMs: 0 }));
    await stillServed();
  });

  test('that nobody has open may be cancelled and answered: nothing happens', async () => {
    const stranger = makeRequestId(createIdentity().incarnation, 1);
    link.send({ kind: 'cancel', id: stranger });
    link.send({ kind: 'data', id: stranger, result: { kind: 'absent' }, payload: NO_PAYLOAD });
    const row = mallory.rows[slotOf(adasKey)];
    if (row === undefined) throw new Error('no row');
    const stolen = { ...row, epoch: 0xffff_ffff, owner: mallory.id };
    link.send({ kind: 'data', id: stranger, result: { kind: 'moved', row: stolen }, payload: NO_PAYLOAD });
    for (const part of ['answer', 'note', 'refused'] as const) {
      link.send({ kind: 'blob', ...head(), id: stranger, service: 'keys', part, body: null, payload: NO_PAYLOAD });
    }

    await stillServed();
  });

  test('to services with anything for a body are refused, whatever the service', async () => {
    const bodies: readonly unknown[] = [
      null,
      -1,
      'x'.repeat(5_000),
      Array.from({ length: 20_000 }, () => 0),
      JSON.parse(`${'{"a":'.repeat(60)}1${'}'.repeat(60)}`),
      { prefix: 1, after: {}, keys: 'all', topic: [], udf: null, task: {}, chunks: [{}] },
      { __proto__: null, constructor: { prototype: { polluted: true } } },
    ];
    for (const service of ['tasks', 'call', 'keys', 'holds', 'status', 'messages', 'constructor', '__proto__']) {
      for (const body of bodies) {
        const { id, ...rest } = head();
        link.send({ kind: 'blob', id, ...rest, service, part: 'ask', body, payload: new Uint8Array(64).fill(0xff) });
        const answer = await link.next('blob', (blob) => blob.id === id);
        if (service !== 'status') expect([service, answer.part]).toEqual([service, 'refused']);
      }
    }
  });
});

describe("what lies under Shoal's own names", () => {
  test('and is no record of a dataset hides none, and takes no value with it when it is dropped', async () => {
    const file = `${await stage.folder()}/good.csv`;
    await writeFile(file, 'a,b\n1,2\n3,4\n');
    expect(await stage.shoal(['load', '--join', url, file, '--name', 'good'])).toMatchObject({ code: 0 });
    const info = {
      name: 'evil',
      source: 'x',
      columns: [],
      rowCount: 1,
      sizeBytes: 1,
      chunkCount: 1,
      brokenLines: 0,
      createdAtMs: 1,
    };
    const chunk = { key: adasKey, rows: 1, firstRow: 0, bytes: 6 };
    const evil = { format: 1, id: 'evil', info, chunks: [chunk], leftovers: [bensKey], isDropped: false };
    const posing = { ...evil, chunks: [], leftovers: [], info: { ...info, name: 'good' } };
    const links = { ada: link, ben: await mallory.link(mallory.memberNamed('ben').id) };
    for (const [name, text] of [
      ['junk', '{"format":1'],
      ['list', '[]'],
      ['evil', JSON.stringify(evil)],
      ['posing', JSON.stringify(posing)],
    ] as const) {
      const key = requireKey(`~dataset/${name}`);
      const owner = mallory.rows[slotOf(key)]?.owner === mallory.memberNamed('ben').id ? links.ben : links.ada;
      const put = putOf(key, text);
      owner.send(put);
      expect((await owner.next('data', ({ id }) => id === put.id)).result).toMatchObject({ kind: 'done' });
    }

    expect((await witness.datasets()).map(({ name }) => name)).toEqual(['good']);
    for (const name of ['junk', 'list', 'posing']) await witness.drop(name);
    expect(await stage.shoal(['drop', '--join', url, 'evil'])).toMatchObject({ code: 0 });
    expect((await stage.shoal(['datasets', '--join', url])).stdout).toContain('good');
    expect(await witness.get(bensKey)).toBe('of ben');
  });
});

describe('what only copies of a slot send', () => {
  const version: Version = { epoch: 1, counter: 7 };
  const digest = { high: 1, low: 2, records: 3 };

  function slotFrames(slot: Slot, epoch: number): readonly SlotFrame[] {
    const at = { slot, epoch };
    const requestId = nextId();
    const payload = new TextEncoder().encode('forged');
    const recordHead = {
      version,
      requestId,
      tombstone: false,
      contentNamed: false,
      mediaType: 'text/plain',
      sizeBytes: 6,
      writtenAtMs: 1,
    };
    const records = [{ key: adasKey, head: recordHead }];
    const keys = [{ key: adasKey, version: { epoch: 0xffff_ffff, counter: 0xffff_ffff } }];
    const number = 1;
    return [
      {
        kind: 'begin',
        ...at,
        number,
        counter: 0,
        digest,
        remembered: [{ id: requestId, version, ageMs: 0 }],
        reachMs: 0,
      },
      { kind: 'part', ...at, number, keys },
      { kind: 'records', ...at, number, records, payload },
      { kind: 'replicate', ...at, version, requestId, ageMs: 0, number, records, payload },
      { kind: 'check', ...at, number, digest },
      { kind: 'begun', ...at, number, digest },
      { kind: 'want', ...at, number, keys: [adasKey] },
      { kind: 'stored', ...at, version, number },
      { kind: 'report', ...at, number, digest },
      { kind: 'other-epoch', ...at },
      { kind: 'resign', ...at },
      { kind: 'end', ...at, number },
      { kind: 'take-epoch', ...at },
      { kind: 'taken', ...at, digest, remembered: [] },
      { kind: 'settle-keys', ...at, keys, last: true },
      { kind: 'settle-records', ...at, records, payload },
      { kind: 'drop-tombstones', ...at, keys },
    ];
  }

  test('changes nothing when it comes from somebody who is none, of whatever epoch', async () => {
    const before = await stage.status(url);
    for (const key of [adasKey, bensKey]) {
      const row = mallory.rows[slotOf(key)];
      for (const epoch of [0, row?.epoch ?? 0, (row?.epoch ?? 0) + 1, 0xffff_ffff]) {
        for (const frame of slotFrames(slotOf(key), epoch)) link.send(frame);
      }
    }
    for (const frame of slotFrames(65_535 as Slot, 1)) link.send(frame);
    await stillServed();

    expect(await witness.get(bensKey)).toBe('of ben');
    const after = await stage.status(url);
    expect([after.epoch, after.members.map(({ slots }) => slots)]).toEqual([
      before.epoch,
      before.members.map(({ slots }) => slots),
    ]);
  });

  test('of epochs that never come is not kept without bound', async () => {
    const before = residentMiB();
    const payload = new Uint8Array(4 * 1024 * 1024);
    for (let slot = 0; slot < 40; slot += 1) {
      link.send({
        kind: 'replicate',
        slot: slot as Slot,
        epoch: 0xffff_ffff,
        version,
        requestId: nextId(),
        ageMs: 0,
        records: [
          {
            key: adasKey,
            head: {
              version,
              requestId: nextId(),
              tombstone: false,
              contentNamed: false,
              mediaType: '',
              sizeBytes: payload.length,
              writtenAtMs: 1,
            },
          },
        ],
        payload,
      });
      if (slot % 4 === 0) await link.drained();
    }
    await stillServed();

    expect(residentMiB() - before).toBeLessThan(100);
  });
});

describe('floods', () => {
  test('of gets that wait: those over the bound hear that it is busy', async () => {
    const asked = new Map<RequestId, Frame>();
    for (let index = 0; index < limits.waitingGets + 50; index += 1) {
      const get = getOf(requireKey(`{${adasKey}}/waits`), { wait: true, remainingMs: 600_000 });
      asked.set(get.id, get);
      link.send(get);
      if (index % 500 === 0) await link.drained();
    }

    const busy = await link.next('data', ({ id, result }) => asked.has(id) && result.kind === 'refused');
    expect(busy.result).toMatchObject({ kind: 'refused', error: { code: 'busy' } });
    await stillServed();
  });

  test('of requests from one member leave room for those of others', async () => {
    const slots = Array.from({ length: 8 }, (_, index) => keyOf(mallory, 'ada', `flood-${index}`));
    for (let index = 0; index < limits.openRequestsOfOne + 1_000 && !link.isClosed; index += 1) {
      // Of an epoch that never comes: each waits for its row.
      link.send(getOf(slots[index % slots.length] ?? adasKey, { epoch: 0xffff_ffff, remainingMs: 600_000 }));
      if (index % 1_000 === 0) await link.drained();
    }

    await link.next('data', ({ result }) => result.kind === 'refused' && result.error.code === 'busy');
    expect(await witness.get(adasKey, { timeoutMs: 2_000 })).toBe('of ada');
  });

  test('of cancels, while many requests wait, cost nobody a second', async () => {
    for (let index = 0; index < 8_000; index += 1) {
      link.send(getOf(requireKey(`{${adasKey}}/waits`), { wait: true, remainingMs: 600_000 }));
      if (index % 500 === 0) await link.drained();
    }
    const stranger = createIdentity().incarnation;
    for (let index = 0; index < 8_000; index += 1) link.send({ kind: 'cancel', id: makeRequestId(stranger, index) });
    await link.drained();
    const askedAtMs = performance.now();
    await witness.get(adasKey);

    expect(performance.now() - askedAtMs).toBeLessThan(5_000);
  });

  test('of credit, of more than was ever sent', async () => {
    for (let index = 0; index < 5_000; index += 1) link.send({ kind: 'credit', bytes: Number.MAX_SAFE_INTEGER });

    await stillServed();
  });

  test('of gets of a large value by one that takes nothing: what waits for it is bounded', async () => {
    const key = requireKey(`{${adasKey}}/large`);
    await witness.put(key, new Uint8Array(24 * 1024 * 1024).fill(7), { timeoutMs: 60_000 });
    const before = residentMiB();
    link.stopCrediting();
    for (let index = 0; index < 70; index += 1) link.send(getOf(key, { remainingMs: 600_000 }));
    await link.drained();
    await witness.get(adasKey);
    await new Promise((resolve) => setTimeout(resolve, 2_000));

    // Of 1,680: what is queued for it, at most 256, and what of it is on its way.
    expect(residentMiB() - before).toBeLessThan(700);
  });
});

describe('greetings', () => {
  test.each([
    ['with the id of another member', () => ({ member: mallory.memberNamed('ben').id })],
    ['with the id of the one that is greeted', () => ({ member: mallory.memberNamed('ada').id })],
    ['of another mesh id', () => ({ meshId: '0'.repeat(32) as MeshId })],
    ['of another mesh', () => ({ mesh: 'other' })],
    ['without a common version', () => ({ versions: [7, 8] })],
    ['with an incarnation that nobody admitted', () => ({ incarnation: 'f'.repeat(16) as Incarnation })],
  ])('%s end the channel, and open nothing', async (_what, changes) => {
    link.close();
    const raw = await mallory.dial(mallory.memberNamed('ada').id);
    raw.send(mallory.hello(changes()));
    const get = getOf(adasKey);
    raw.send(get);

    await raw.closed;
    expect(raw.received.filter(({ kind }) => kind !== 'hello')).toEqual([]);
  });

  test('that never come, or come after something else, or twice, end the channel', async () => {
    link.send(mallory.hello());
    await link.closed;
    const silent = await mallory.dial(mallory.memberNamed('ada').id);
    silent.send(getOf(adasKey));
    await silent.closed;
    expect(silent.received.filter(({ kind }) => kind !== 'hello')).toEqual([]);
  });

  test('that are judged still take no more than their bound', async () => {
    link.close();
    const raw = await mallory.dial(mallory.memberNamed('ada').id);
    raw.send(mallory.hello({ incarnation: 'f'.repeat(16) as Incarnation }));
    for (let index = 0; index < 200 && !raw.isClosed; index += 1) {
      raw.sendMessage(new Uint8Array(64 * 1024));
      if (index % 16 === 0) await raw.drained();
    }
    await raw.closed;
  });
});

describe('a put whose answer was lost', () => {
  test('and which is tried again is applied once, also when it was conditional and others wrote since', async () => {
    const key = requireKey(`{${adasKey}}/once`);
    const put = putOf(key, 'first');
    const first = await ask(put);
    expect(first.result).toMatchObject({ kind: 'done' });
    const create = putOf(requireKey(`{${adasKey}}/created`), 'mine');
    const conditional = { ...create, writes: create.writes.map((write) => ({ ...write, expected: null })) };
    const created = await ask(conditional);
    expect(created.result).toMatchObject({ kind: 'done' });
    await witness.put(key, 'second');

    expect((await ask({ ...put, ageMs: 100 })).result).toEqual(first.result);
    expect((await ask({ ...conditional, ageMs: 100 })).result).toEqual(created.result);
    expect(await witness.get(key)).toBe('second');
    const other = { ...conditional, id: nextId() };
    expect((await ask(other)).result).toMatchObject({ kind: 'refused', error: { code: 'version' } });
  });
});
