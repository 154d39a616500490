// What only transports over real data channels have: signals, and remotes that send what they like.

import type { RtcImplementation } from '@shoal/peer';
import type { PeerId } from '@shoal/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRtcTransports, type RtcTransports } from './rtc-transports.ts';
import { ada, ben, collect, filled } from './transport.contract.ts';

const cleo = '0c'.repeat(16) as PeerId;

export function rtcSignalsContract(name: string, rtc: RtcImplementation): void {
  describe(`signals over ${name}`, () => {
    let under: RtcTransports;

    beforeEach(() => {
      under = createRtcTransports(rtc);
    });

    afterEach(async () => {
      await under.ada.close();
      await under.ben.close();
      await expect.poll(() => under.openConnections()).toBe(0);
    });

    test('passes over damaged signals and those of dials that are unknown', async () => {
      under.ben.onChannel((channel) => channel.send(filled(1, 1)));
      const damaged = [
        '',
        '{',
        '[]',
        '[1]',
        '[{"type":"offer"}]',
        '[{"renegotiate":true}]',
        '[{"type":"candidate","candidate":{"candidate":"late"}}]',
        '[{"type":"answer","sdp":"x"}]',
      ];
      for (const data of damaged) under.pass({ from: ada, to: ben, dial: 'ff', data });
      expect(under.openConnections()).toBe(0);

      const channel = await under.ada.dial(ben);

      expect(await collect(channel, 1)).toEqual([filled(1, 1)]);
    });

    test('ends a dial whose offer can not be read, and serves the next', async () => {
      under.ben.onChannel((channel) => channel.send(filled(1, 1)));
      under.pass({ from: ada, to: ben, dial: 'aa', data: '[{"type":"offer","sdp":"v=0 nonsense"}]' });
      await expect.poll(() => under.openConnections(), { timeout: 8_000 }).toBe(0);

      const channel = await under.ada.dial(ben);

      expect(await collect(channel, 1)).toEqual([filled(1, 1)]);
    });

    test('takes the answer to a dial only from the member that was dialled', async () => {
      under.ben.onChannel(() => undefined);
      let answer = '';
      under.passes = (signal) => {
        if (signal.from === ben && signal.data.includes('"answer"')) answer = signal.data;
        return signal.from === ada;
      };
      const controller = new AbortController();
      const dialled = under.ada.dial(ben, { signal: controller.signal });
      await expect.poll(() => answer).not.toBe('');
      const dial = under.signals[0]?.dial ?? '';

      under.pass({ from: cleo, to: ada, dial, data: answer });
      await new Promise((resolve) => setTimeout(resolve, 200));
      let isOpen = false;
      void dialled.then(
        () => (isOpen = true),
        () => undefined,
      );
      expect(isOpen).toBe(false);
      under.pass({ from: ben, to: ada, dial, data: answer });

      expect((await dialled).remote).toBe(ben);
    });

    test('gives up a dial of a remote that dials anew', async () => {
      const channels: string[] = [];
      under.ben.onChannel(() => channels.push('opened'));
      under.passes = (signal) => signal.from === ada;
      const controller = new AbortController();
      const first = under.ada.dial(ben, { signal: controller.signal }).catch((error: unknown) => error);
      await expect.poll(() => under.openConnections()).toBe(2);
      controller.abort();
      await first;

      under.passes = () => true;
      await under.ada.dial(ben);

      await expect.poll(() => channels).toEqual(['opened']);
      await expect.poll(() => under.openConnections()).toBe(2);
    });

    test('tries no connection for an offer when nobody takes channels', async () => {
      const controller = new AbortController();
      const dialled = under.ada.dial(ben, { signal: controller.signal }).catch(() => 'given up');
      await expect.poll(() => under.signals.length).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 50));

      expect(under.openConnections()).toBe(1);
      controller.abort();
      expect(await dialled).toBe('given up');
    });
  });
}
