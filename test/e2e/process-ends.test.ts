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
    const leftAt = performance.now();
    process.on('exit', () => console.log(Math.round(performance.now() - leftAt)));
  `;

  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: `${root}/node-peer`,
    timeout: 60_000,
  });

  // Nothing that is left open keeps it for as long as a timer of a library would.
  expect(Number(stdout)).toBeLessThan(3_000);
});
