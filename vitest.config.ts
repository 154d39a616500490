// The test projects. Sources themselves are tested (condition `source`): nothing is built before a
// test, except for `e2e`, which runs what users run. `npm test` finds Chromium and builds first.

import { playwright } from '@vitest/browser-playwright';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';
import { udfWorkerProgram } from './web/vite-udf-worker.ts';

const inNode = {
  resolve: { conditions: ['source', ...defaultServerConditions] },
  ssr: {
    resolve: {
      conditions: ['source', ...defaultServerConditions],
      externalConditions: ['source', ...defaultServerConditions],
    },
  },
};

const inBrowser = {
  resolve: { conditions: ['source', ...defaultClientConditions] },
  worker: { format: 'es' as const },
};

/** Set by test.mjs; the default is where Debian puts it. */
const chromium = process.env['SHOAL_CHROMIUM'] ?? '/usr/bin/chromium';

/** All that browser tests import: Vite reloads a running test when it finds a dependency late. */
const browserDependencies = [
  '@codemirror/autocomplete',
  '@codemirror/commands',
  '@codemirror/lang-javascript',
  '@codemirror/language',
  '@codemirror/lint',
  '@codemirror/state',
  '@codemirror/view',
  '@lezer/highlight',
  '@msgpack/msgpack',
  '@noble/ed25519',
  '@noble/hashes/sha2.js',
  '@noble/hashes/utils.js',
  '@preact/signals',
  'acorn',
  'acorn-walk',
  'apache-arrow',
  'comlink',
  'fast-check',
  'idb-keyval',
  'js-xxhash',
  'lru-cache',
  'papaparse',
  'preact',
  'preact/hooks',
  'preact/jsx-dev-runtime',
  'preact/jsx-runtime',
  'simple-peer/simplepeer.min.js',
  'socket.io-client',
  'sucrase',
  'uqr',
  'valibot',
];

export default defineConfig({
  test: {
    projects: [
      {
        ...inNode,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/*.test.ts'],
          environment: 'node',
          testTimeout: 10_000,
        },
      },
      {
        ...inNode,
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          exclude: ['test/contract/**/*.browser.test.ts'],
          environment: 'node',
          testTimeout: 30_000,
        },
      },
      {
        ...inNode,
        test: { name: 'sim', include: ['test/sim/**/*.test.ts'], environment: 'node', testTimeout: 60_000 },
      },
      {
        ...inBrowser,
        // JSX of the page's views, as in web's tsconfig.json.
        oxc: { jsx: { runtime: 'automatic' as const, importSource: 'preact' } },
        // Serves /udf-worker.js, the program of caged workers.
        plugins: [udfWorkerProgram()],
        optimizeDeps: { include: browserDependencies },
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.{ts,tsx}', 'test/contract/**/*.browser.test.ts'],
          testTimeout: 30_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: { executablePath: chromium, args: ['--no-sandbox'] } }),
            instances: [{ browser: 'chromium' as const }],
          },
        },
      },
      {
        ...inNode,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          environment: 'node',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each file has processes, ports and folders of its own; most of its time it waits for them.
          maxWorkers: 3,
          // Behind the others, which would take its processor time.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
