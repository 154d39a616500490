// The page of cage.test.ts: starts caged workers as the product's page does, and runs functions in them.

import { createSystemClock, createSystemRandom, silentLogger } from '@shoal/shared';
import { dryRun } from '../../peer/src/compute/dry-run.ts';
import { createWorkerPool } from '../../peer/src/compute/worker-pool.ts';
import type { Spawn } from '../../web/src/cage/cage.ts';
import { createCageWorkerHost } from '../../web/src/adapters/cage-worker-host.ts';

const clock = createSystemClock();
const host = createCageWorkerHost();
const pool = createWorkerPool({ host, clock, logger: silentLogger, read: async () => undefined, size: 2, keptWarm: 1 });
const self = { id: 'page', name: () => 'page' };

/** What comes of a function over one row; it is not checked before, as a hostile submitter would do. */
async function tryUdf(source: string): Promise<unknown> {
  const result = await dryRun({ self, random: createSystemRandom(), pool }, source, { rows: [{ a: 1 }] });
  return JSON.parse(JSON.stringify(result));
}

/** The same, past the check: the names that it would refuse are put together in the worker. */
async function tryUnchecked(code: string, timeoutMs: number): Promise<unknown> {
  const { outcome } = await pool.run({
    job: 'test',
    instance: crypto.getRandomValues(new Uint32Array(4)).join(''),
    timeoutMs,
    work: (calls) =>
      calls.call({
        udf: { instance: String(Math.random()), code, sourceName: 'shoal-udf/00000000/test.ts' },
        context: { member: { id: 'page', name: 'page' }, seed: '' },
        args: new Uint8Array([8, 0]),
      }),
  });
  return outcome.kind === 'done' ? new TextDecoder().decode(outcome.value.slice(3)) : outcome.failure;
}

/** Attempts of a worker of the frame whose program takes nothing away: held by the policy alone. */
async function tryBare(attempts: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  const frame = document.createElement('iframe');
  frame.src = '/cage.html';
  const loaded = new Promise((done) => frame.addEventListener('load', done));
  document.body.append(frame);
  await loaded;
  const cage: { readonly shoalSpawn?: Spawn } | null = frame.contentWindow;
  const spawn = cage?.shoalSpawn;
  if (spawn === undefined) throw new Error('no spawn');
  const steps = Object.entries(attempts).map(
    ([name, code]) => `answers[${JSON.stringify(name)}] = await attempt(async () => { ${code} });`,
  );
  const program = `
    const attempt = async (run) => {
      const late = new Promise((done) => setTimeout(() => done('no answer'), 1500));
      return await Promise.race([run().then(() => 'reached', () => 'refused'), late]);
    };
    onmessage = async (event) => {
      const answers = {};
      ${steps.join('\n')}
      event.ports[0].postMessage(answers);
    };`;
  const { port1, port2 } = new MessageChannel();
  const answers = new Promise<Readonly<Record<string, string>>>((done) => {
    port1.onmessage = (event: MessageEvent<Readonly<Record<string, string>>>) => done(event.data);
  });
  const worker = spawn(`data:text/javascript,${encodeURIComponent(program)}`, port2);
  try {
    return await answers;
  } finally {
    worker.terminate();
    frame.remove();
  }
}

Object.assign(window, { cageTest: { tryUdf, tryUnchecked, tryBare } });

export type CageTest = {
  readonly tryUdf: typeof tryUdf;
  readonly tryUnchecked: typeof tryUnchecked;
  readonly tryBare: typeof tryBare;
};
