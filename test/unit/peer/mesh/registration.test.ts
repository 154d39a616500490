import { expect, test } from 'vitest';
import { createKeyPair, encodeRows, type Incarnation, peerIdOf, type RosterEntry, silentLogger } from '@shoal/shared';
import { createRegistration } from '../../../../peer/src/mesh/registration.ts';
import type { Rendezvous, RendezvousListener } from '../../../../peer/src/ports/rendezvous.ts';
import { createSeededRandom } from '../../../sim/seeded-random.ts';
import { createVirtualClock } from '../../../sim/virtual-clock.ts';

const random = createSeededRandom(1);
const keyPair = createKeyPair(random);
const identity = { keyPair, id: peerIdOf(keyPair.publicKey) };

function entry(name: string): RosterEntry {
  const { publicKey } = createKeyPair(random);
  return {
    id: peerIdOf(publicKey),
    incarnation: '0123456789abcdef' as Incarnation,
    publicKey: '',
    kind: 'node',
    name,
    state: 'here',
    durability: 'strict',
    ephemeral: false,
    workers: 1,
    weight: 1,
    freeBytes: 0,
    domain: '',
    seenAtMs: 0,
  };
}

test('a member that joins in the same moment is not forgotten for the roster of the answer', async () => {
  const ben = entry('ben');
  const answer = {
    version: 1,
    mesh: 'main',
    meshId: '0123456789abcdef0123456789abcdef',
    meshTimeMs: 0,
    replicas: 1,
    slotCount: 16,
    table: { term: 1, epoch: 1, rows: encodeRows([]) },
    roster: [],
    iceServers: [],
  };
  const clock = createVirtualClock();
  let listener: RendezvousListener | undefined;
  const rendezvous: Rendezvous = {
    connect: (given) => {
      listener = given;
      given.up({ nonce: 'n' });
    },
    // The answer and the news behind it lie in one packet: the event comes before the promise is looked at.
    request: () => {
      const answered = Promise.resolve(answer);
      listener?.event('roster', { changed: [ben], gone: [] });
      return answered as never;
    },
    note: () => undefined,
    close: async () => undefined,
  };
  const registration = createRegistration({
    rendezvous,
    identity,
    incarnation: 'fedcba9876543210' as Incarnation,
    mesh: 'main',
    meshId: undefined,
    known: undefined,
    describe: () => ({
      kind: 'node',
      name: 'ada',
      durability: 'strict',
      ephemeral: false,
      weight: 1,
      workers: 1,
      paused: false,
      freeBytes: 0,
      domain: '',
    }),
    clock,
    logger: silentLogger,
  });

  await registration.start();
  await clock.advance(0);

  expect(registration.member(ben.id)?.name).toBe('ben');
  await registration.close();
});
