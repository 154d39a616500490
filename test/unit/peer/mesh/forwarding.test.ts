import { limits, must, NO_PAYLOAD, type PathId, pathOfDial, parseRequestId, type PeerId } from '@shoal/shared';
import type { BlobFrame, Frame } from '@shoal/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMemoryNetwork, type MemoryNetwork } from '../../../../peer/src/adapters/memory/transport.ts';
import { createVirtualClock, type VirtualClock } from '../../../sim/virtual-clock.ts';
import { ada, ben, cleo, createTestMember, meshAll, signalsOf, type TestMember } from './members.ts';

const dora = '0d'.repeat(16) as PeerId;

let clock: VirtualClock;
let network: MemoryNetwork;
let members: TestMember[];

beforeEach(() => {
  clock = createVirtualClock();
  network = createMemoryNetwork({ clock, latencyMs: 2 });
  members = [];
});

afterEach(async () => {
  for (const { links, transport } of members) {
    await links.close();
    await transport.close();
  }
  await clock.advance(limits.dialMs);
  expect(network.channelCount()).toBe(0);
  expect(clock.timerCount()).toBe(0);
});

function join(...ids: readonly PeerId[]): readonly TestMember[] {
  const made = ids.map((id) => createTestMember(id, { network, clock }));
  members.push(...made);
  return made;
}

/** Ada and Ben reach each other over Cleo alone. */
async function joinApart(...more: readonly PeerId[]): Promise<readonly [TestMember, TestMember, TestMember]> {
  network.cut(ada, ben);
  const [a, b, c] = join(ada, ben, cleo, ...more);
  meshAll(members);
  await clock.advance(limits.forwardAfterMs + 1_000);
  return [must(a, 'ada'), must(b, 'ben'), must(c, 'cleo')];
}

function viewOf({ links }: TestMember, member: PeerId) {
  return must(
    links.views().find((view) => view.member === member),
    'view',
  );
}

function blob(number: number, payload: Uint8Array = NO_PAYLOAD): BlobFrame {
  const id = must(parseRequestId(`0123456789abcdef.${number}`), 'id');
  const head = { id, ageMs: 0, remainingMs: 1_000, forwarded: false };
  return { kind: 'blob', ...head, service: 'test', part: 'note', body: number, payload };
}

/** The path that is dialled to a member next. */
function nextPathTo(member: PeerId): Promise<PathId> {
  return new Promise((resolve) => {
    const stop = signalsOf(network, member).onSignal(({ dial }) => {
      const path = pathOfDial(dial);
      if (path === undefined) return;
      stop();
      resolve(path);
    });
  });
}

describe('two members without a direct link', () => {
  test('are linked over a member that both are linked to', async () => {
    const [a, b] = await joinApart();

    expect(viewOf(a, ben)).toMatchObject({ state: 'open', via: cleo, roundTripMs: 8 });
    expect(viewOf(b, ada)).toMatchObject({ state: 'open', via: cleo });
    expect(viewOf(a, cleo)).toMatchObject({ state: 'open', via: undefined });
  });

  test('send each other frames of any size, each from its true sender', async () => {
    const [a, b, c] = await joinApart();

    a.links.send(ben, blob(1, new Uint8Array(3_000_000).fill(7)), 2);
    b.links.send(ada, blob(2), 1);
    await clock.advance(1_000);

    expect(b.frames).toMatchObject([{ from: ada, incarnation: a.incarnation, frame: { body: 1 } }]);
    const { frame } = must(b.frames[0], 'frame');
    expect(frame.kind === 'blob' && frame.payload.every((byte) => byte === 7)).toBe(true);
    expect(a.frames).toMatchObject([{ from: ben, incarnation: b.incarnation, frame: { body: 2 } }]);
    expect(c.frames).toEqual([]);
  });

  test('hear each other, and hear of goodbyes', async () => {
    const [a, b] = await joinApart();
    await clock.advance(10_000);
    expect(b.links.unheardFromMs(ada)).toBeLessThan(limits.heartbeatMs);
    expect(b.happened.filter((what) => what.includes('0a'))).toEqual(['opened 0a']);

    a.links.goodbye();
    await clock.advance(10);

    expect(b.happened).toContain('goodbye 0a');
  });

  test('take another member when the one that forwards goes', async () => {
    const [a, b] = await joinApart(dora);
    const via = must(viewOf(a, ben).via, 'via');
    const other = via === cleo ? dora : cleo;

    for (const { id } of members) {
      network.cut(via, id);
      network.breakChannels(via, id);
    }
    await clock.advance(limits.dialMs + 2_000);

    expect(viewOf(a, ben)).toMatchObject({ state: 'open', via: other });
    expect(viewOf(b, ada)).toMatchObject({ state: 'open', via: other });
    expect(a.happened).toContain('closed 0b: the link to the forwarding member was lost');
  });

  test('take another member when the one that forwards loses one of them', async () => {
    const [a] = await joinApart(dora);
    const via = must(viewOf(a, ben).via, 'via');

    network.cut(via, ben);
    network.breakChannels(via, ben);
    await clock.advance(limits.dialMs + 2_000);

    expect(viewOf(a, ben)).toMatchObject({ state: 'open', via: via === cleo ? dora : cleo });
  });

  test('leave it as soon as they are linked directly', async () => {
    const [a, b] = await joinApart();

    network.heal(ada, ben);
    await clock.advance(limits.redialForwardedMaxMs + limits.dialMs);

    expect(viewOf(a, ben)).toMatchObject({ state: 'open', via: undefined });
    expect(a.happened.filter((what) => what.includes('0b'))).toEqual([
      'opened 0b',
      'closed 0b: linked directly',
      'opened 0b',
    ]);
    b.links.send(ada, blob(1), 1);
    await clock.advance(10);
    expect(a.frames).toHaveLength(1);
  });

  test('dial each other seldom meanwhile', async () => {
    const [a] = await joinApart();
    await clock.advance(60_000);
    const dialled: PeerId[] = [];
    const { dial } = a.transport;
    Object.assign(a.transport, {
      dial: (remote: PeerId, options: object) => {
        dialled.push(remote);
        return dial(remote, options);
      },
    });

    await clock.advance(10 * limits.redialForwardedMaxMs);

    expect(new Set(dialled)).toEqual(new Set([ben]));
    expect(dialled.length).toBeGreaterThanOrEqual(8);
    expect(dialled.length).toBeLessThanOrEqual(20);
  });

  test('are linked over another soon after a link has fallen silent', async () => {
    const [a] = join(ada, ben, cleo);
    meshAll(members);
    await clock.advance(1_000);

    network.cut(ada, ben);
    await clock.advance(limits.graceMs + 1_500);

    expect(viewOf(must(a, 'ada'), ben)).toMatchObject({ state: 'open', via: cleo });
  });
});

test('a member that asks for a link on demand gets one over another', async () => {
  network.cut(ada, ben);
  const [a, b, c] = join(ada, ben, cleo).map((member) => must(member, 'member'));
  for (const { links } of members) links.admit(members.map(({ wanted }) => wanted));
  must(b, 'ben').links.want(members.map(({ wanted }) => wanted));
  must(c, 'cleo').links.want(members.map(({ wanted }) => wanted));
  await clock.advance(1_000);

  // As a command, it has no link at all: Ben names whom it is to dial.
  const linked = must(a, 'ada').links.linkTo(ben);
  await clock.advance(limits.forwardAfterMs + 1_000);
  await linked;

  expect(viewOf(must(a, 'ada'), ben)).toMatchObject({ state: 'open', via: cleo });
});

test('keeps nothing of members that are not wanted any more', async () => {
  network.cut(ada, ben);
  const [a, b] = join(ada, ben).map((member) => must(member, 'member'));
  meshAll(members);
  await clock.advance(10_000);

  for (const { links } of members) links.want([]);
  await clock.advance(limits.dialMs);

  expect([a?.links.views(), b?.links.views()]).toEqual([[], []]);
});

test('says why a member can not be reached', async () => {
  network.cut(ada, ben);
  const [a] = join(ada, ben);
  meshAll(members);

  await clock.advance(15_000);

  expect(must(a, 'ada').links.whyClosed(ben)).toContain('no member is linked to both');
});

describe('a member that forwards', () => {
  test('has no more than a window of each pair on its way', async () => {
    network = createMemoryNetwork({ clock, latencyMs: 20, bytesPerMs: 20_000 });
    const [a, b, c] = await joinApart();
    a.links.send(ben, blob(1, new Uint8Array(60_000_000)), 2);
    await clock.advance(3_000);

    network.cut(cleo, ben);
    await clock.advance(limits.graceMs - 500);

    const onTheWay = viewOf(a, ben).sentBytes - viewOf(b, ada).receivedBytes;
    expect(viewOf(b, ada).receivedBytes).toBeGreaterThan(2_000_000);
    expect(onTheWay).toBeGreaterThan(limits.pathWindowBytes / 2);
    expect(onTheWay).toBeLessThanOrEqual(limits.pathWindowBytes + limits.fragmentBytes);
    expect(viewOf(c, ben).queuedBytes).toBeLessThanOrEqual(onTheWay + 10_000);
  });

  test('ends the path of a member that sends more than a window', async () => {
    const [a, b, c] = await joinApart();
    network.cut(cleo, ben);
    const path = 'f'.repeat(16) as PathId;

    for (let index = 0; index < 500; index += 1)
      a.links.send(cleo, { kind: 'forward', to: ben, path, payload: new Uint8Array(limits.fragmentBytes) }, 1);
    await clock.advance(1_000);

    expect(viewOf(c, ben).queuedBytes).toBeLessThanOrEqual(limits.pathHeldBytes + 2 * limits.fragmentBytes);
    expect(b.frames).toEqual([]);
  });

  test('passes nothing on that was passed on before', async () => {
    const [a, b] = await joinApart(dora);
    const before = viewOf(must(members[3], 'dora'), ben).receivedBytes;

    const forward: Frame = {
      kind: 'forward',
      to: dora,
      path: 'f'.repeat(16) as PathId,
      payload: new Uint8Array(60_000),
    };
    a.links.send(ben, forward, 1);
    await clock.advance(1_000);

    expect(viewOf(must(members[3], 'dora'), ben).receivedBytes - before).toBeLessThan(1_000);
    // The same frame over a direct link does arrive: as nothing that Dora knows.
    b.links.send(dora, { ...forward, kind: 'forwarded', from: ada }, 1);
    await clock.advance(1_000);
    expect(viewOf(must(members[3], 'dora'), ben).receivedBytes - before).toBeGreaterThan(60_000);
    expect(must(members[3], 'dora').frames).toEqual([]);
  });

  test('can not speak for others, nor change what they say', async () => {
    const path = nextPathTo(ben);
    const [a, b, c] = await joinApart(dora);
    const via = must(viewOf(a, ben).via, 'via');
    const [hop, stranger] = via === cleo ? [c, must(members[3], 'dora')] : [must(members[3], 'dora'), c];
    const forged: Frame = { kind: 'forwarded', from: ada, path: await path, payload: new Uint8Array(200).fill(1) };

    stranger.links.send(ben, forged, 1);
    await clock.advance(100);
    expect(b.happened.filter((what) => what.includes('0a'))).toEqual(['opened 0a']);
    hop.links.send(ben, forged, 1);
    await clock.advance(100);

    expect(b.happened).toContain('closed 0a: a message was damaged on its way');
    expect(b.frames).toEqual([]);
    await clock.advance(5_000);
    expect(viewOf(a, ben).state).toBe('open');
  });

  test('can not keep two others from being linked over a third', async () => {
    network.cut(ada, ben);
    const [a, , c, d] = join(ada, ben, cleo, dora);
    meshAll(members);
    await clock.advance(100);
    const forged = { kind: 'forwarded', from: ada, path: '1'.repeat(16) as PathId } as const;

    for (let ms = 0; ms < limits.forwardAfterMs + 1_000; ms += 1) {
      await clock.advance(1);
      for (const { links } of [must(c, 'cleo'), must(d, 'dora')])
        links.send(ben, { ...forged, payload: new Uint8Array(99) }, 1);
    }

    expect(viewOf(must(a, 'ada'), ben).state).toBe('open');
  });

  test('can not begin a path that nobody asked the registrar for', async () => {
    const [, b, c] = await joinApart();
    const stranger = 'ab'.repeat(16) as PeerId;

    for (const from of [stranger, cleo, ada])
      c.links.send(ben, { kind: 'forwarded', from, path: '1'.repeat(16) as PathId, payload: new Uint8Array(99) }, 1);
    await clock.advance(1_000);

    expect(b.links.views().map(({ member }) => member)).not.toContain(stranger);
    expect(viewOf(b, ada).state).toBe('open');
    expect(b.frames).toEqual([]);
  });
});
