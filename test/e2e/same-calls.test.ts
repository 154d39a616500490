import { type Browser, chromium } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { join } from '@shoal/node-peer';
import { sameCalls } from './same-calls.ts';
import { createStage } from './support.ts';
import { launchChromium } from './chromium.ts';

const stage = createStage();
let browser: Browser;
let url: string;

const expected = {
  text: 'häi',
  json: { a: [1, null, 'x'] },
  bytes: [1, 2, 255],
  mediaType: 'image/x-test',
  absent: true,
  many: [{ a: [1, null, 'x'] }, undefined, 'häi'],
  'many of them bad': 'bad-key',
  copies: 2,
  'second lock': 'version',
  'own version': 'no error',
  'cas of old': 'version',
  unchanged: 'unchanged',
  newer: 'again',
  'too few copies': 'degraded',
  deleted: true,
  'deleted twice': false,
  waited: 'now',
  'waited in vain': 'deadline',
  cancelled: 'aborted',
  keys: ['/bytes', '/json', '/later', '/text'],
  'long key': 'bad-key',
  'half a pair': 'bad-key',
  'reserved key': 'bad-key',
  'no value': 'bad-value',
  call: { sum: 5, by: 32 },
  'call at a key': 'häi',
  'call that throws': 'udf-threw',
  'call that never ends': 'udf-timeout',
  'many calls': [1, 'udf-threw', 9],
  'call of nonsense': 'bad-udf',
  message: [{ hello: 'you' }, true],
  'message to nobody': 'no-member',
  rows: 3,
  columns: [
    ['name', 'string'],
    ['legs', 'int'],
  ],
  'load again': 'exists',
  head: [
    { name: 'ant', legs: 6 },
    { name: 'bee', legs: 6 },
  ],
  filtered: [{ name: 'cat', legs: 4 }],
  counted: { legs: 16 },
  dropped: 'no-dataset',
};

beforeAll(async () => {
  browser = await launchChromium(chromium);
  ({ url } = await stage.startServer({ peer: true }));
});

afterAll(async () => {
  await browser?.close();
  await stage.close();
});

test('gives the same answers to the same calls in Node', async () => {
  const mesh = await join({ url, dataDir: await stage.folder(), name: 'ada', workers: 2 });
  try {
    expect(await sameCalls(mesh, { prefix: 'node' })).toEqual(expected);
  } finally {
    await mesh.leave({ handOver: true });
  }
});

test('gives the same answers to the same calls in the page', async () => {
  const page = await browser.newPage();
  await page.goto(url);
  await page.waitForFunction(() => 'mesh' in ((globalThis as { shoal?: object }).shoal ?? {}));

  const seen = await page.evaluate(`(${sameCalls.toString()})(window.shoal.mesh, { prefix: 'page' })`);

  expect(seen).toEqual(expected);
});
