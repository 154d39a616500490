// Builds the page and the cage into dist, as the server serves them: absolute paths (a mesh's page is
// /m/NAME), hashed names, and nothing inline, which the content security policy would refuse.

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';
import { sampleFiles } from './vite-samples.ts';
import { udfWorkerProgram } from './vite-udf-worker.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = join(here, 'dist');

/** Empties dist, once all is built, except `lib`, where `tsc -b` puts the modules of this workspace. */
function emptyOut(): Plugin {
  let folder = out;
  return {
    name: 'shoal-empty-out',
    apply: 'build',
    configResolved: (config) => {
      folder = config.build.outDir;
    },
    generateBundle: {
      order: 'post',
      handler() {
        if (!existsSync(folder)) return;
        for (const name of readdirSync(folder)) if (name !== 'lib') rmSync(join(folder, name), { recursive: true });
      },
    },
  };
}

export default defineConfig({
  root: here,
  base: '/',
  appType: 'mpa',
  plugins: [udfWorkerProgram(), sampleFiles(), emptyOut()],
  resolve: { conditions: ['source', ...defaultClientConditions] },
  worker: { format: 'es' },
  build: {
    outDir: out,
    emptyOutDir: false,
    target: 'es2023',
    // `light-dark()` stays as it is written.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: { input: { index: join(here, 'index.html') } },
  },
});
