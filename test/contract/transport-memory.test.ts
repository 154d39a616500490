import { createMemoryNetwork } from '../../peer/src/adapters/memory/transport.ts';
import { ada, ben, transportContract } from './transport.contract.ts';

transportContract('memory', async () => {
  const network = createMemoryNetwork();
  return {
    ada: network.transport(ada),
    ben: network.transport(ben),
    openConnections: () => network.channelCount(),
    dispose: () => Promise.resolve(),
  };
});
