import { createFragmentJoiner, limits, silentLogger } from '@shoal/shared';
import { expect, test } from 'vitest';
import { createOutbound } from '../../../../peer/src/wire/outbound.ts';
import { createVirtualClock } from '../../../sim/virtual-clock.ts';
import { blob, createTestChannel } from './frames.ts';

test('mixes no more frames than the receiver can join', () => {
  const channel = createTestChannel();
  const outbound = createOutbound({ channel, clock: createVirtualClock(), logger: silentLogger, roundTripMs: () => 1 });
  outbound.setFragmentBytes(limits.fragmentBytes);
  const joiner = createFragmentJoiner({
    frameBytes: limits.frameBytes,
    openStreams: limits.framesJoining,
    heldBytes: limits.joiningBytes,
  });
  const outcomes = { frames: 0, errors: 0 };
  const payload = new Uint8Array(60 * 1024 * 1024);

  for (let number = 0; number < 4; number += 1) outbound.send(blob(number, payload), number % 2 === 0 ? 1 : 2);
  for (let told = 0; told < outbound.sentBytes;) {
    for (const message of channel.sent.splice(0)) {
      const outcome = joiner.push(message);
      if ('error' in outcome) outcomes.errors += 1;
      else if (outcome.frame !== undefined) outcomes.frames += 1;
    }
    const bytes = outbound.sentBytes - told;
    told = outbound.sentBytes;
    outbound.credited(bytes);
  }

  expect(outcomes).toEqual({ frames: 4, errors: 0 });
  expect(outbound.queuedBytes).toBe(0);
});

test('begins no more of many frames than the receiver joins at once', async () => {
  const clock = createVirtualClock();
  const channel = createTestChannel();
  const outbound = createOutbound({ channel, clock, logger: silentLogger, roundTripMs: () => 1 });
  const joiner = createFragmentJoiner({
    frameBytes: limits.frameBytes,
    openStreams: limits.framesJoining,
    heldBytes: limits.joiningBytes,
  });
  channel.fill();
  for (let number = 0; number < 2_000; number += 1) outbound.send(blob(number, new Uint8Array(40_000)), 2);

  channel.drain();
  await clock.settle();
  let most = 0;
  for (let told = 0; told < outbound.sentBytes;) {
    for (const message of channel.sent.splice(0)) expect(joiner.push(message)).not.toHaveProperty('error');
    most = Math.max(most, joiner.openStreams);
    const bytes = outbound.sentBytes - told;
    told = outbound.sentBytes;
    outbound.credited(bytes);
  }

  expect(most).toBeLessThanOrEqual(limits.framesJoining);
  expect([joiner.openStreams, outbound.queuedBytes]).toEqual([0, 0]);
});
