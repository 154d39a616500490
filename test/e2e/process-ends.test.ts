import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { createStage, root } from './support.ts';

const stage = createStage();

afterAll(() => stage.close());

test('lets a program end by itself once it has left the mesh', async () => {
  const { url } = await stage.startServer({ peer: true });
  const program = `
    import { join } from '@shoal/node-peer';
    const mesh = await join({ url: ${JSON.stringify(url)}, workers: 1 });
    await mesh.put('k', 1);
    await mesh.leave({ handOver: true });
    console.log(process.getActiveResourcesInfo().includes('Timeout') ? 'a timer is left' : 'nothing is left');
  `;

  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: `${root}/node-peer`,
    timeout: 60_000,
  });

  expect(stdout.trim()).toBe('nothing is left');
});
