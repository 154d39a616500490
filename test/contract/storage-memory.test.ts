import { MeshError } from '@shoal/shared';
import { createMemoryStorage } from '../../peer/src/adapters/memory/storage.ts';
import { POISON, put, storageContract } from './storage.contract.ts';

storageContract('memory', async () => {
  let storage = createMemoryStorage({
    beforeWrite: (batch) => {
      if (batch.some(({ key }) => key === POISON)) throw new MeshError('storage', 'This batch was told to fail.');
    },
  });
  return {
    storage,
    poison: POISON,
    poisoned: (slot) => put(slot, POISON, 'x'),
    reopen: async () => {
      await storage.close();
      storage = storage.reopen();
      return storage;
    },
    vanish: async () => storage.vanish('the test took it'),
    dispose: () => storage.close(),
  };
});
