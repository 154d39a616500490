// `npm test` never skips in silence: what it says and how it ends without a browser.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

function runTests(args: readonly string[], environment: NodeJS.ProcessEnv) {
  return spawnSync(process.execPath, ['test.mjs', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
}

describe('the test runner', () => {
  test('ends with one sentence that has the command, and 1, when there is no Chromium', () => {
    const { status, stdout, stderr } = runTests(['browser'], { CHROME_PATH: '/nowhere/chromium' });

    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      'CHROME_PATH names /nowhere/chromium, which does not start; correct it or run: unset CHROME_PATH\n',
    );
  });

  test('refuses a project that there is not', () => {
    const { status, stderr } = runTests(['everything'], {});

    expect([status, stderr]).toEqual([
      1,
      'There is no test project everything; there are unit, contract, sim, browser, e2e, share, mutants.\n',
    ]);
  });
});
