// The thread's program from TypeScript sources, for tests, which build nothing: one module, made once. (Loading the
// sources one by one, each through a hook, takes a thread half a second to start.)

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** What is used of esbuild, which the tools of the project bring. */
interface Bundler {
  buildSync(options: Readonly<Record<string, unknown>>): { readonly outputFiles: readonly { readonly text: string }[] };
}

let program: URL | undefined;

/** A `data:` URL of `entry` and all that it imports. */
export function sourceThread(entry: URL): URL {
  program ??= bundle(entry);
  return program;
}

function bundle(entry: URL): URL {
  const bundler: Bundler = createRequire(import.meta.url)('esbuild');
  const { outputFiles } = bundler.buildSync({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
  });
  // Each frame of a stack names its script: by this, and not by a URL of a megabyte.
  const code = `${outputFiles[0]?.text ?? ''}\n//# sourceURL=udf-thread.js`;
  return new URL(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`);
}
