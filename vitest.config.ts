import { defineConfig } from 'vitest/config';

// The sources themselves are tested: nothing must be built before a test.
const source = { resolve: { conditions: ['source'] }, ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } } };

export default defineConfig({
  test: {
    projects: [
      {
        ...source,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/*.test.ts'], environment: 'node', testTimeout: 10_000 },
      },
      {
        ...source,
        test: { name: 'contract', include: ['test/contract/**/*.test.ts'], exclude: ['test/contract/**/*.browser.test.ts'], environment: 'node', testTimeout: 30_000 },
      },
      {
        ...source,
        test: { name: 'sim', include: ['test/sim/**/*.test.ts'], environment: 'node', testTimeout: 60_000 },
      },
    ],
  },
});
