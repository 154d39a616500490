// No handler for a whole process or page keeps a failure that nobody expected from ending it: each is met
// where it happens, or seen.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const SWALLOWING = [
  /uncaughtException/,
  /unhandledRejection/i,
  /setUncaughtExceptionCaptureCallback/,
  /\bon(?:unhandledrejection|rejectionhandled)\b/,
  /(?:window|self|globalThis)\.onerror\b/,
  /(?:window|self|globalThis)\.addEventListener\(\s*['"]error['"]/,
  /createDomain|from 'node:domain'/,
  /--unhandled-rejections/,
];

test('no product source handles errors of the whole process or page', () => {
  const sources = ['shared', 'peer', 'signaling-server', 'node-peer', 'web'].flatMap((workspace) =>
    readdirSync(join(root, workspace, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:ts|tsx)$/.test(name))
      .map((name) => join(workspace, 'src', name)),
  );
  expect(sources.length).toBeGreaterThan(150);

  const found = [...sources, 'node-peer/bin/shoal.js', 'build.mjs'].flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return SWALLOWING.filter((pattern) => pattern.test(text)).map((pattern) => `${path}: ${pattern}`);
  });
  expect(found).toEqual([]);
});
