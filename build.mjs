// Builds what runs: `tsc -b` for the Node programs, `vite build` for the page. Nothing when no source
// changed: the stamp is a hash of all sources and of the lockfile.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const workspaces = ['shared', 'peer', 'signaling-server', 'node-peer', 'web'];
const stampFile = join(root, '.build', 'stamp');

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name === 'dist' || entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

function sourcesHash() {
  const hash = createHash('sha256').update(process.version);
  const roots = ['package-lock.json', 'tsconfig.base.json', 'tsconfig.json', 'build.mjs'].map((name) => join(root, name));
  for (const path of [...roots, ...workspaces.flatMap((name) => [...files(join(root, name))])]) {
    if (!existsSync(path)) continue;
    hash.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex');
}

const stamp = sourcesHash();
const built = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
const outputs = ['node-peer/dist/main.js', 'signaling-server/dist/main.js', 'web/dist/index.html'];
if (!built || !outputs.every((path) => existsSync(join(root, path)))) {
  const run = (script, args, cwd) =>
    execFileSync(process.execPath, [join(root, 'node_modules', script), ...args], { cwd, stdio: ['ignore', 2, 2] });
  run('typescript/bin/tsc', ['-b'], root);
  run('vite/bin/vite.js', ['build', '--logLevel', 'warn'], join(root, 'web'));
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, stamp);
}
