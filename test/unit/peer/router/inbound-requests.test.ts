import {
  createSystemClock,
  limits,
  makeRequestId,
  type Incarnation,
  type PeerId,
  type RequestHead,
} from '@shoal/shared';
import { expect, test } from 'vitest';
import { createInboundRequests } from '../../../../peer/src/router/inbound-requests.ts';

const ada = 'a'.repeat(32) as PeerId;
const ben = 'b'.repeat(32) as PeerId;

function head(count: number): RequestHead {
  return { id: makeRequestId('0'.repeat(16) as Incarnation, count), ageMs: 0, remainingMs: 60_000, forwarded: false };
}

/** Ends with its signal's reason. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
}

test('cancel ends all tries of that request of that asker, and no other', async () => {
  const inbound = createInboundRequests(createSystemClock());
  const tries = [inbound.run(ada, head(1), untilAborted), inbound.run(ada, head(1), untilAborted)];
  const others = [inbound.run(ada, head(2), untilAborted), inbound.run(ben, head(1), untilAborted)];
  inbound.cancel(ben, head(2).id);
  inbound.cancel(ada, head(7).id);
  inbound.cancel(ada, head(1).id);

  for (const one of tries) await expect(one).rejects.toMatchObject({ code: 'aborted' });
  expect(inbound.size).toBe(2);
  inbound.linkClosed(ada);
  await expect(others[0]).rejects.toMatchObject({ code: 'link-lost' });
  inbound.close();
  await expect(others[1]).rejects.toMatchObject({ code: 'closed' });
  expect(inbound.size).toBe(0);
});

test("one asker's flood is bounded, and leaves room for another's", async () => {
  const inbound = createInboundRequests(createSystemClock());
  const flood = Array.from({ length: limits.openRequestsOfOne }, (_, index) =>
    inbound.run(ada, head(index), untilAborted),
  );

  await expect(inbound.run(ada, head(limits.openRequestsOfOne), untilAborted)).rejects.toMatchObject({ code: 'busy' });
  await expect(inbound.run(ben, head(1), () => Promise.resolve('served'))).resolves.toBe('served');
  inbound.linkClosed(ada);
  await Promise.allSettled(flood);
  await expect(inbound.run(ada, head(1), () => Promise.resolve('again'))).resolves.toBe('again');
  expect(inbound.size).toBe(0);
});
