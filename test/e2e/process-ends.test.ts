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
    const isLeft = () => process.getActiveResourcesInfo().includes('Timeout');
    for (let look = 0; look < 20 && isLeft(); look += 1) await new Promise((resolve) => setTimeout(resolve, 100));
    console.log(isLeft() ? 'a timer is left' : 'nothing is left');
  `;

  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: `${root}/node-peer`,
    timeout: 60_000,
  });

  expect(stdout.trim()).toBe('nothing is left');
});
