// Builds the cage: its page, and the program of its workers as one classic script at /udf-worker.js, which the
// page fetches as text. A classic script can't import, so everything it needs, Arrow too, is in it.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, defaultClientConditions, type Plugin } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));
const ENTRY = join(here, 'src/cage/udf.worker.ts');
const PROGRAM = 'udf-worker.js';

/** Adds `cage.html` and `udf-worker.js` to the build, and serves the program in development. */
export function udfWorkerProgram(): Plugin {
  return {
    name: 'shoal-udf-worker',
    config: () => ({ build: { rollupOptions: { input: { cage: join(here, 'cage.html') } } } }),
    configureServer(server) {
      server.middlewares.use(`/${PROGRAM}`, (_request, response, next) => {
        buildUdfWorker().then((code) => {
          response.setHeader('content-type', 'text/javascript; charset=utf-8');
          response.end(code);
        }, next);
      });
    },
    async generateBundle() {
      this.emitFile({ type: 'asset', fileName: PROGRAM, source: await buildUdfWorker() });
    },
  };
}

/** The program's text. Tests build it too. */
export async function buildUdfWorker(): Promise<string> {
  const built = await build({
    configFile: false,
    root: here,
    logLevel: 'warn',
    publicDir: false,
    resolve: { conditions: ['source', ...defaultClientConditions] },
    build: {
      write: false,
      target: 'es2023',
      // As a library: else vite wraps each import() into its own, which wants a document.
      lib: { entry: ENTRY, formats: ['iife'], name: 'shoalUdfWorker' },
      rollupOptions: { output: { codeSplitting: false } },
    },
  });
  const [output] = Array.isArray(built) ? built : [built];
  if (output === undefined || !('output' in output)) throw new Error('The UDF worker was not built.');
  return output.output[0].code;
}
