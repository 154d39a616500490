// `npm test`: finds or installs Chromium, builds, runs the test projects and says how many passed.
// Nothing is skipped in silence: without a browser it ends with one sentence and exit code 1.
// Arguments: names of projects (all of them without), e.g. `node test.mjs e2e`.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium } from './test/chromium.mjs';

const root = dirname(fileURLToPath(import.meta.url));
const PROJECTS = ['unit', 'contract', 'sim', 'browser', 'e2e'];
const projects = process.argv.length > 2 ? process.argv.slice(2) : PROJECTS;
const report = join(root, 'test-results', 'tests.json');

const unknown = projects.filter((name) => !PROJECTS.includes(name));
if (unknown.length > 0) fail(`There is no test project ${unknown.join(', ')}; there are ${PROJECTS.join(', ')}.`);

const environment = { ...process.env };
if (projects.includes('browser') || projects.includes('e2e')) {
  const chromium = findChromium();
  if ('problem' in chromium) fail(chromium.problem);
  environment['SHOAL_CHROMIUM'] = chromium.path;
}

if (projects.includes('e2e') && run(join(root, 'build.mjs')) !== 0) fail('The build failed; its messages are above.');

mkdirSync(dirname(report), { recursive: true });
rmSync(report, { force: true });
const status = run(
  join(root, 'node_modules', 'vitest', 'vitest.mjs'),
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...projects.map((name) => `--project=${name}`),
);
const { passed, failed } = countTests(report);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = status === 0 && failed === 0 && passed > 0 ? 0 : 1;

/** Runs a program of Node's in the project's folder and gives its exit code. */
function run(...args) {
  return spawnSync(process.execPath, args, { cwd: root, env: environment, stdio: 'inherit' }).status ?? 1;
}

/** A file that could not be run counts as one failed test, and so does a run that left no report. */
function countTests(path) {
  let tests;
  try {
    tests = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { passed: 0, failed: 1 };
  }
  const broken = tests.testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some(isFailed));
  return { passed: tests.numPassedTests, failed: tests.numFailedTests + broken.length };
}

function isFailed(result) {
  return result.status === 'failed';
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
