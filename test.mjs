// `npm test`: finds or installs Chromium, builds, runs the test projects, CI's share of the simulation and
// the planted faults, and says how many tests, seeds and faults passed.
// Nothing is skipped in silence: without a browser it ends with one sentence and exit code 1.
// Arguments: names of projects (all of them without), e.g. `node test.mjs e2e`.
// The seeds and the faults take all cores: they run after the tests.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium } from './test/chromium.mjs';

const root = dirname(fileURLToPath(import.meta.url));
const TESTS = ['unit', 'contract', 'sim', 'browser', 'e2e'];
/** Programs that write how many passed and failed. */
const PROGRAMS = { share: ['test/sim/share.ts'], mutants: ['test/sim/mutants.ts', '--quick', '--seconds', '480'] };
const PROJECTS = [...TESTS, ...Object.keys(PROGRAMS)];
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
const results = [];
const tests = projects.filter((name) => TESTS.includes(name));
if (tests.length > 0) results.push(runTests(tests));
for (const name of projects) if (name in PROGRAMS) results.push(runProgram(name));
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function runTests(names) {
  rmSync(report, { force: true });
  const status = run(
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...names.map((name) => `--project=${name}`),
  );
  return unlessSilent(countTests(report), status);
}

function runProgram(name) {
  const written = join(dirname(report), `${name}.json`);
  rmSync(written, { force: true });
  const status = run('--conditions=source', '--import', 'tsx', ...PROGRAMS[name], '--report', written);
  return unlessSilent(readCounts(written), status);
}

/** What failed has failed at something, whatever its report says. */
function unlessSilent({ passed, failed }, status) {
  return { passed, failed: status !== 0 && failed === 0 ? 1 : failed };
}

function readCounts(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { passed: 0, failed: 1 };
  }
}

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
