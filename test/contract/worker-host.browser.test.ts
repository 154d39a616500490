import { createCageWorkerHost } from '../../web/src/adapters/cage-worker-host.ts';
import { workerHostContract } from './worker-host.contract.ts';

// The frame without its policy, which is the server's; cage.test.ts has the real one.
const script = new URL('../../web/src/cage/cage.ts', import.meta.url);
const frame = new Blob([`<!doctype html><script type="module" src="${script.href}"></script>`], { type: 'text/html' });

workerHostContract('the cage in Chromium', () => createCageWorkerHost({ cageUrl: URL.createObjectURL(frame) }));
