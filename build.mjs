// Builds what runs: `tsc -b` for the Node programs, `vite build` for the page. Nothing when no source
// changed: the stamp is a hash of all sources and of the lockfile. All that it says goes to stderr.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const workspaces = ['shared', 'peer', 'signaling-server', 'node-peer', 'web'];
const outputs = ['node-peer/dist/main.js', 'signaling-server/dist/main.js', 'web/dist/index.html'];
const buildDir = join(root, '.build');
const stampFile = join(buildDir, 'stamp');
const lockFile = join(buildDir, 'lock');
/** Longer than any build: whoever waits for so long says who has the lock, and gives up. */
const LOCK_TIMEOUT_MS = 180_000;

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name === 'dist' || entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (entry.isFile()) yield path;
  }
}

function sourcesHash() {
  const hash = createHash('sha256').update(process.version);
  const roots = ['package.json', 'package-lock.json', 'tsconfig.base.json', 'tsconfig.json', 'build.mjs'];
  for (const path of [
    ...roots.map((name) => join(root, name)),
    ...workspaces.flatMap((name) => [...files(join(root, name))]),
  ]) {
    if (existsSync(path)) hash.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex');
}

function isBuilt(stamp) {
  if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) return false;
  return outputs.every((path) => existsSync(join(root, path)));
}

/** Whether the process still lives; one of another user does. */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** One build at a time: who comes second waits, and then finds all built. */
async function lock() {
  mkdirSync(buildDir, { recursive: true });
  const giveUpAt = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      writeFileSync(lockFile, `${process.pid}`, { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = existsSync(lockFile) ? Number(readFileSync(lockFile, 'utf8')) : 0;
    // Empty for the moment between its making and its writing.
    if (holder > 0 && !isAlive(holder)) rmSync(lockFile, { force: true });
    else await sleep(50);
    if (Date.now() > giveUpAt)
      throw new Error(`Another build (process ${holder}) is still running; end it, or remove ${lockFile}.`);
  }
  process.on('exit', () => rmSync(lockFile, { force: true }));
}

function run(script, args, cwd) {
  const { status, signal, error } = spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], {
    cwd,
    stdio: ['ignore', 2, 2],
  });
  if (error !== undefined) throw error;
  if (status !== 0) {
    process.stderr.write(`The build failed: ${script.split('/')[0]} ended with ${signal ?? `code ${status}`}.\n`);
    process.exit(1);
  }
}

function hasTools() {
  const { resolve } = createRequire(join(root, 'package.json'));
  try {
    resolve('typescript/package.json');
    resolve('vite/package.json');
    return true;
  } catch {
    return false;
  }
}

let stamp = sourcesHash();
if (!isBuilt(stamp)) {
  if (!hasTools()) {
    // `npm ci --omit=dev` runs `prepare` too; an image may bring what was built elsewhere.
    process.stderr.write(
      'Nothing was built: the tools to build with are not installed (npm ci without --omit=dev installs them).\n',
    );
    process.exit(0);
  }
  await lock();
  stamp = sourcesHash();
  if (!isBuilt(stamp)) {
    process.stderr.write('Building Shoal (once for each change of its sources)…\n');
    run('typescript/bin/tsc', ['-b'], root);
    run('vite/bin/vite.js', ['build', '--logLevel', 'warn'], join(root, 'web'));
    // Written last: a build that was cut short is done again.
    writeFileSync(stampFile, stamp);
  }
  rmSync(lockFile, { force: true });
}
