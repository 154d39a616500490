// The order of what is done to the disk: it decides what a loss of power leaves. The real calls run;
// each is noted.

import type * as FileSystem from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createTableFiles } from '@shoal/signaling-server';

const { calls } = vi.hoisted(() => ({ calls: [] as string[] }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof FileSystem>();
  const open: typeof real.open = async (path, flags, mode) => {
    const file = await real.open(path, flags, mode);
    const name = basename(String(path));
    const sync = file.sync.bind(file);
    file.sync = async () => {
      await sync();
      calls.push(`synced ${name}`);
    };
    return file;
  };
  const rename: typeof real.rename = async (from, to) => {
    await real.rename(from, to);
    calls.push(`renamed ${basename(String(from))} to ${basename(String(to))}`);
  };
  return { ...real, open, rename };
});

test('syncs the whole file before it gets its name, and the folder after', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-sync-'));
  const tables = await createTableFiles(folder);

  await tables.write('main', Uint8Array.of(1));

  expect(calls).toEqual([
    'synced main.table.tmp',
    'renamed main.table.tmp to main.table',
    `synced ${basename(folder)}`,
  ]);
  await tables.close();
  await rm(folder, { recursive: true });
});
