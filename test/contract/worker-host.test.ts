import { createThreadWorkerHost } from '../../node-peer/src/adapters/thread-worker-host.ts';
import { workerHostContract } from './worker-host.contract.ts';

workerHostContract('threads of Node', createThreadWorkerHost);
