// Where the tests find a Chromium, and how they get one on a machine that has none: Debian's package
// when we may install it, Playwright's own elsewhere.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright';

const USUAL_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const PLAYWRIGHT_COMMAND = ['npx', 'playwright', 'install', 'chromium'];
const DEBIAN_COMMANDS = [
  ['apt-get', 'update'],
  ['apt-get', 'install', '--yes', '--no-install-recommends', 'chromium'],
];

/** `{ path }` of a Chromium that starts, installed if need be, or `{ problem }` as one sentence. */
export function findChromium(environment = process.env) {
  const asked = environment['CHROME_PATH'];
  if (asked !== undefined && asked !== '') {
    if (doesStart(asked)) return { path: asked };
    return { problem: `CHROME_PATH names ${asked}, which does not start; correct it or run: unset CHROME_PATH` };
  }
  const there = findInstalled();
  if (there !== undefined) return { path: there };

  const commands = canInstallPackages() ? DEBIAN_COMMANDS : [PLAYWRIGHT_COMMAND];
  for (const command of commands) run(command);
  const installed = findInstalled();
  if (installed !== undefined) return { path: installed };
  const command = commands.map((words) => words.join(' ')).join(' && ');
  return { problem: `The tests need Chromium, and it could not be installed; run: ${command}` };
}

function findInstalled() {
  return [...USUAL_PATHS, chromium.executablePath()].find((path) => existsSync(path) && doesStart(path));
}

function doesStart(path) {
  return spawnSync(path, ['--version'], { stdio: 'ignore', timeout: 30_000 }).status === 0;
}

function canInstallPackages() {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

function run([program, ...args]) {
  console.error(`No Chromium here; running: ${[program, ...args].join(' ')}`);
  spawnSync(program, args, { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
}
