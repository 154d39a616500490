import type { Incarnation } from '@shoal/shared';
import { expect, test } from 'vitest';
import { createMemoryNetwork } from '../../../../peer/src/adapters/memory/transport.ts';
import type { Transport } from '../../../../peer/src/ports/transport.ts';
import { createVirtualClock } from '../../../sim/virtual-clock.ts';
import { ada, ben, createTestMember } from './members.ts';

test('a member that comes back in another life is dialled anew at once', async () => {
  const clock = createVirtualClock();
  const network = createMemoryNetwork();
  const formerLife = 'ffffffffffffffff' as Incarnation;
  let dials = 0;
  // The first dial meets a page that is being reloaded: nobody answers it.
  const deaf = (transport: Transport): Transport => ({
    ...transport,
    dial: (remote, options) => {
      dials += 1;
      if (dials > 1) return transport.dial(remote, options);
      return new Promise((_resolve, reject) =>
        options?.signal?.addEventListener('abort', () => reject(new Error('aborted'))),
      );
    },
  });
  const a = createTestMember(ada, { network: { ...network, transport: (id) => deaf(network.transport(id)) }, clock });
  const b = createTestMember(ben, { network, clock });
  b.links.admit([a.wanted]);
  a.links.admit([{ id: ben, incarnation: formerLife }]);
  a.links.want([{ id: ben, incarnation: formerLife }]);
  await clock.advance(500);
  expect(dials).toBe(1);

  a.links.admit([b.wanted]);
  a.links.want([b.wanted]);
  await clock.advance(100);

  expect(a.links.isOpen(ben)).toBe(true);
  for (const { links, transport } of [a, b]) {
    await links.close();
    await transport.close();
  }
});
