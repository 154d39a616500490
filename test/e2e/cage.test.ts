// The cage as it is served: the real server with its real policies, the real frame and the real program.
// Only the page is one of this test's, which starts workers and runs functions in them.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSignalingServer, type SignalingServer } from '@shoal/signaling-server';
import { type Browser, chromium, type Page } from 'playwright';
import { build, defaultClientConditions } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { udfWorkerProgram } from '../../web/vite-udf-worker.ts';
import { launchChromium } from './chromium.ts';
import type { CageTest } from './cage-page.ts';

type CageWindow = Window & { readonly cageTest: CageTest };

let folder: string;
let server: SignalingServer;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-cage-'));
  const pageDir = join(folder, 'page');
  await buildPage(pageDir);
  server = await createSignalingServer({
    port: 0,
    host: '127.0.0.1',
    dataDir: join(folder, 'data'),
    pageDir,
    hosts: ['mesh.test'],
  });
  browser = await launchChromium(chromium, ['--host-resolver-rules=MAP *.test 127.0.0.1']);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

function called(code: string, timeoutMs = 5_000): Promise<unknown> {
  return page.evaluate(([text, time]) => (window as unknown as CageWindow).cageTest.tryUnchecked(text, time), [
    code,
    timeoutMs,
  ] as const);
}

const SOCKET =
  'await new Promise((done, fail) => { const s = new WebSocket("ws://127.0.0.1:PORT/socket.io/?EIO=4&transport=websocket"); s.onopen = done; s.onerror = fail; });';
const REQUEST =
  'await new Promise((done, fail) => { const x = new XMLHttpRequest(); x.onload = done; x.onerror = fail; x.open("GET", "http://127.0.0.1:PORT/healthz"); x.send(); });';
const DATABASE =
  'await new Promise((done, fail) => { const r = indexedDB.open("x"); r.onsuccess = done; r.onerror = fail; });';
const workerOf = (url: string): string =>
  `await new Promise((done, fail) => { const w = new Worker(${url}); w.onmessage = done; w.onerror = fail; });`;

const ATTEMPTS: Readonly<Record<string, string>> = {
  fetch: 'await fetch("http://127.0.0.1:PORT/healthz");',
  'fetch without cors': 'await fetch("http://127.0.0.1:PORT/healthz", { mode: "no-cors" });',
  XMLHttpRequest: REQUEST,
  WebSocket: SOCKET,
  EventSource:
    'await new Promise((done, fail) => { const s = new EventSource("http://127.0.0.1:PORT/healthz"); s.onopen = done; s.onerror = fail; });',
  WebTransport: 'await new WebTransport("https://127.0.0.1:PORT/").ready;',
  importScripts: 'importScripts("http://127.0.0.1:PORT/udf-worker.js");',
  'import of a URL': 'await import("http://127.0.0.1:PORT/udf-worker.js");',
  IndexedDB: DATABASE,
  caches: 'await caches.open("x");',
  'the private file system': 'await navigator.storage.getDirectory();',
  locks: 'await navigator.locks.request("x", () => 1);',
  'a nested worker of a blob': workerOf('URL.createObjectURL(new Blob(["postMessage(1)"]))'),
  'a shared worker': 'new SharedWorker("data:text/javascript,1");',
  'a font': 'await new FontFace("x", "url(http://127.0.0.1:PORT/f)").load();',
  'a beacon': 'if (!navigator.sendBeacon("http://127.0.0.1:PORT/healthz")) throw 1;',
  'a connection to a peer': 'new RTCPeerConnection();',
  'code from text': '(0, eval)("1");',
  'code from text by Function': 'new Function("return 1")();',
  WebAssembly: 'await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));',
};

/** The policy lets these be; the program takes them away. */
const TAKEN: Readonly<Record<string, string>> = {
  'a nested worker of a data: URL': workerOf('"data:text/javascript,postMessage(1)"'),
  'a channel': 'new BroadcastChannel("x");',
  'the end of the worker': 'close();',
};

describe.each(['127.0.0.1', 'mesh.test'])('the cage on http://%s', (host) => {
  beforeAll(async () => {
    page = await browser.newPage();
    await page.goto(server.url.replace('127.0.0.1', host));
    await page.waitForFunction(() => 'cageTest' in window);
  });

  afterAll(() => page.close());

  const atPort = (code: string): string => code.replaceAll('PORT', String(server.port));

  test('runs functions, and tells the line of what they throw', async () => {
    const tryUdf = (source: string): Promise<unknown> =>
      page.evaluate((text) => (window as unknown as CageWindow).cageTest.tryUdf(text), source);

    expect(await tryUdf('export default (row: { a: number }): number => row.a + 1;')).toEqual({
      kind: 'rows',
      rows: [{ value: 2 }],
      logs: [],
    });
    expect(
      await tryUdf(
        'const helper = () => {\n  throw new Error("here");\n};\nexport default async () => {\n  await null;\n  helper();\n};',
      ),
    ).toMatchObject({
      kind: 'failed',
      failure: { message: 'here', line: 2, rowNumber: 0 },
    });
  });

  test.each(Object.entries({ ...ATTEMPTS, ...TAKEN }))('keeps a function from %s', async (_what, attempt) => {
    const code = `export default async () => { try { ${atPort(attempt)} } catch { return 'refused'; } return 'reached'; };`;

    expect(await called(code)).toBe('refused');
  });

  test('gives back by no prototype what was taken away', async () => {
    const code = `export default () => {
      const names = [];
      for (let at = globalThis; at !== null; at = Object.getPrototypeOf(at)) names.push(...Object.getOwnPropertyNames(at));
      const left = ['Worker', 'SharedWorker', 'fetch', 'XMLHttpRequest', 'WebSocket', 'importScripts', 'indexedDB', 'caches', 'BroadcastChannel', 'navigator'];
      return left.filter((name) => names.includes(name) || name in globalThis).join() || 'nothing';
    };`;

    expect(await called(code)).toBe('nothing');
  });

  test('keeps by its policy alone what a program did not take away', async () => {
    const attempts = Object.fromEntries(Object.entries(ATTEMPTS).map(([name, code]) => [name, atPort(code)]));

    const answers = await page.evaluate((asked) => (window as unknown as CageWindow).cageTest.tryBare(asked), attempts);

    expect(answers).toEqual(Object.fromEntries(Object.keys(ATTEMPTS).map((name) => [name, 'refused'])));
  });

  test('ends a loop that never yields, for certain, and meanwhile runs the next function', async () => {
    const looping = called('export default () => { for (;;); };', 300);
    expect(await called('export default () => "next";')).toBe('next');

    await expect(looping).rejects.toThrow(/ran longer than 300 ms/);

    const before = await renderersCpuMs();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await renderersCpuMs()) - before).toBeLessThan(150);
  });

  test('takes a thousand printed lines without being slow', async () => {
    const since = performance.now();

    expect(
      await called('export default () => { for (let i = 0; i < 1000; i += 1) console.log(i); return "printed"; };'),
    ).toBe('printed');
    expect(performance.now() - since).toBeLessThan(2_000);
  });

  test('tells at once that a dry run took too long', async () => {
    const took = page.evaluate(async () => {
      const since = performance.now();
      const error: unknown = await (window as unknown as CageWindow).cageTest
        .tryUdf('export default () => { for (;;); };')
        .catch((thrown: unknown) => thrown);
      return [performance.now() - since, String(error)] as const;
    });

    expect(await took).toEqual([expect.any(Number), expect.stringContaining('ran longer than 1 s')]);
    expect((await took)[0]).toBeLessThan(2_000);
  });
});

async function renderersCpuMs(): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => type === 'renderer').reduce((sum, { cpuTime }) => sum + cpuTime * 1_000, 0);
}

/** The frame and the program as the product builds them, and this test's page beside them. */
async function buildPage(outDir: string): Promise<void> {
  const resolve = { conditions: ['source', ...defaultClientConditions] };
  const web = fileURLToPath(new URL('../../web/', import.meta.url));
  const common = { configFile: false, logLevel: 'warn', resolve, publicDir: false } as const;
  await build({
    ...common,
    root: web,
    plugins: [udfWorkerProgram()],
    build: { outDir, emptyOutDir: true, target: 'es2023', modulePreload: { polyfill: false } },
  });
  const entry = fileURLToPath(new URL('./cage-page.ts', import.meta.url));
  await build({
    ...common,
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2023',
      lib: { entry, formats: ['es'], fileName: () => 'cage-page.js' },
    },
  });
  await writeFile(
    join(outDir, 'index.html'),
    '<!doctype html><title>cage</title><body><script type="module" src="/cage-page.js"></script></body>',
  );
}
