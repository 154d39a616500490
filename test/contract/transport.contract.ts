// What every `Transport` holds, whatever its channels are made of. Run for memory, Node and Chromium.

import type { Channel, Transport } from '@shoal/peer';
import { createDeferred, type PeerId } from '@shoal/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

export const ada = '0a'.repeat(16) as PeerId;
export const ben = '0b'.repeat(16) as PeerId;
export const nobody = '0f'.repeat(16) as PeerId;

export interface TransportsUnderTest {
  readonly ada: Transport;
  readonly ben: Transport;
  /** Connections that stand or are being made, of both. */
  openConnections(): number;
  dispose(): Promise<void>;
}

export function transportContract(name: string, make: () => Promise<TransportsUnderTest>): void {
  describe(`transport over ${name}`, () => {
    let under: TransportsUnderTest;
    let accepted: Channel[];
    let waiting: ((channel: Channel) => void)[];

    const nextAccepted = (): Promise<Channel> => {
      const channel = accepted.shift();
      return channel === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(channel);
    };
    const connect = async (): Promise<{ near: Channel; far: Channel }> => {
      const [near, far] = await Promise.all([under.ada.dial(ben), nextAccepted()]);
      return { near, far };
    };

    beforeEach(async () => {
      under = await make();
      accepted = [];
      waiting = [];
      under.ben.onChannel((channel) => {
        const waiter = waiting.shift();
        if (waiter === undefined) accepted.push(channel);
        else waiter(channel);
      });
    });

    afterEach(async () => {
      await under.ada.close();
      await under.ben.close();
      await expect.poll(() => under.openConnections()).toBe(0);
      await under.dispose();
    });

    test('names the remote at both ends and takes fragments of 64 KiB', async () => {
      const { near, far } = await connect();

      expect([near.remote, far.remote]).toEqual([ben, ada]);
      expect(near.maxMessageBytes).toBeGreaterThanOrEqual(64 * 1024 + 16);
    });

    test('carries messages both ways', async () => {
      const { near, far } = await connect();
      const atFar = collect(far, 1);
      const atNear = collect(near, 1);

      near.send(filled(3, 1));
      far.send(filled(4, 2));

      expect(await atFar).toEqual([filled(3, 1)]);
      expect(await atNear).toEqual([filled(4, 2)]);
    });

    test('keeps the order of a thousand messages', async () => {
      const { near, far } = await connect();
      const arrived = collect(far, 1_000);

      for (let index = 0; index < 1_000; index += 1) near.send(Uint8Array.of(index >> 8, index & 255));

      expect((await arrived).map(([high = 0, low = 0]) => high * 256 + low)).toEqual(
        Array.from({ length: 1_000 }, (_, index) => index),
      );
    });

    test.each([1, 15, 16, 1_191, 16_384, 65_535, 65_536, 65_552])(
      'carries a message of %i bytes unchanged',
      async (size) => {
        const { near, far } = await connect();
        const arrived = collect(far, 1);
        const message = Uint8Array.from({ length: size }, (_, index) => (index * 31) & 255);

        near.send(message.slice());

        const [received = new Uint8Array()] = await arrived;
        expect(received.byteLength).toBe(size);
        expect(received.every((byte, index) => byte === message[index])).toBe(true);
      },
    );

    test('says when it is full, and when there is room again', async () => {
      const { near, far } = await connect();
      const arrived = collect(far, 200);
      let waits = 0;

      for (let index = 0; index < 200; index += 1) {
        if (near.send(filled(64 * 1024, index))) continue;
        waits += 1;
        expect(near.bufferedBytes).toBeGreaterThan(0);
        await near.ready();
      }

      expect((await arrived).map(([first]) => first)).toEqual(Array.from({ length: 200 }, (_, index) => index));
      expect(waits).toBeGreaterThan(0);
      await near.ready();
    });

    test('stops waiting for room by its signal, and when the channel closes', async () => {
      const { near } = await connect();
      for (let sending = true; sending;) sending = near.send(filled(64 * 1024, 1));
      const controller = new AbortController();

      const aborted = near.ready({ signal: controller.signal }).catch((error: unknown) => error);
      const closed = near.ready();
      controller.abort();
      near.close('enough');

      expect(await aborted).toMatchObject({ code: 'aborted' });
      await closed;
    });

    test('keeps messages that come before the first listener', async () => {
      const { near, far } = await connect();
      near.send(filled(1, 1));
      near.send(filled(1, 2));
      const later = createDeferred<void>();
      far.send(filled(1, 9));
      near.onMessage(() => later.resolve());
      await later.promise;

      const arrived = collect(far, 3);
      near.send(filled(1, 3));

      expect(await arrived).toEqual([filled(1, 1), filled(1, 2), filled(1, 3)]);
    });

    test('tells both ends of a close, once, and whoever asks later', async () => {
      const { near, far } = await connect();
      const reasons: string[] = [];
      near.onClose((reason) => reasons.push(`near: ${reason}`));
      const ended = new Promise<void>((resolve) => {
        far.onClose(() => {
          reasons.push('far');
          resolve();
        });
      });

      near.close('done');
      near.close('again');
      await ended;
      far.close('too');

      expect(reasons).toEqual(['near: done', 'far']);
      let late = '';
      near.onClose((reason) => (late = reason));
      expect(late).toBe('done');
    });

    test('delivers what was sent before a close', async () => {
      const { near, far } = await connect();
      const arrived = collect(far, 5);

      for (let index = 0; index < 5; index += 1) near.send(filled(1_000, index));
      near.close('done');

      expect((await arrived).map(([first]) => first)).toEqual([0, 1, 2, 3, 4]);
    });

    test('sends nothing after the close, and does not wait', async () => {
      const { near } = await connect();

      near.close('done');

      expect(near.send(filled(1, 1))).toBe(false);
      await near.ready();
    });

    test('leaves nothing of a dial that was given up', async () => {
      const controller = new AbortController();
      const dialled = under.ada.dial(ben, { signal: controller.signal }).catch((error: unknown) => error);

      controller.abort();

      expect(await dialled).toMatchObject({ code: 'aborted' });
      await expect.poll(() => under.openConnections(), { timeout: 8_000 }).toBe(0);
    });

    test('does not begin a dial whose signal was aborted', async () => {
      const dialled = under.ada.dial(ben, { signal: AbortSignal.abort() });

      await expect(dialled).rejects.toMatchObject({ code: 'aborted' });
      expect(under.openConnections()).toBe(0);
    });

    test('rejects the dial of a member that is not there', async () => {
      await expect(under.ada.dial(nobody)).rejects.toMatchObject({ code: 'link-lost' });

      expect(under.openConnections()).toBe(0);
    });

    test('refuses text and messages over its limit, and stays open', async () => {
      const { near, far } = await connect();
      const arrived = collect(far, 1);

      expect(() => near.send('text' as unknown as Uint8Array)).toThrow('binary');
      expect(() => near.send(new Uint8Array(near.maxMessageBytes + 1))).toThrow('over');
      near.send(filled(2, 1));

      expect(await arrived).toEqual([filled(2, 1)]);
    });

    test('delivers plain arrays of bytes that start at a multiple of 8', async () => {
      const { near, far } = await connect();
      const arrived = collect(far, 1);

      near.send(filled(10, 1));

      const [received] = await arrived;
      expect(Object.getPrototypeOf(received)).toBe(Uint8Array.prototype);
      expect((received?.byteOffset ?? 1) % 8).toBe(0);
    });

    test('delivers what was sent, whatever becomes of its buffer', async () => {
      const { near, far } = await connect();
      const arrived = collect(far, 1);
      const buffer = new Uint8Array(64).fill(7);

      near.send(buffer.subarray(8, 16));
      buffer.fill(0);

      expect(await arrived).toEqual([filled(8, 7)]);
    });

    test('opens one channel for each dial, also when both sides dial at once', async () => {
      const atAda = new Promise<Channel>((resolve) => under.ada.onChannel(resolve));
      const [byAda, byBen, fromBen, fromAda] = await Promise.all([
        under.ada.dial(ben),
        under.ben.dial(ada),
        atAda,
        nextAccepted(),
      ]);
      const arrived = [collect(fromAda, 1), collect(fromBen, 1)];

      byAda.send(filled(1, 1));
      byBen.send(filled(1, 2));

      expect(await Promise.all(arrived)).toEqual([[filled(1, 1)], [filled(1, 2)]]);
    });

    test('closes its channels with itself', async () => {
      const { near, far } = await connect();
      const ended = [near, far].map((channel) => new Promise<void>((resolve) => channel.onClose(() => resolve())));

      await under.ada.close();
      await Promise.all(ended);

      await expect(under.ada.dial(ben)).rejects.toThrow();
    });

    test('stops telling of channels when nobody listens any more', async () => {
      const told: Channel[] = [];
      const stop = under.ben.onChannel((channel) => told.push(channel));
      stop();

      await connect();

      expect(told).toEqual([]);
    });
  });
}

export function filled(size: number, value: number): Uint8Array {
  return new Uint8Array(size).fill(value);
}

export function collect(channel: Channel, count: number): Promise<Uint8Array[]> {
  const messages: Uint8Array[] = [];
  return new Promise((resolve) => {
    channel.onMessage((message) => {
      messages.push(message);
      if (messages.length === count) resolve(messages);
    });
  });
}
