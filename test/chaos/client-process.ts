// A client's process, as its parent sees it.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Found, Order, Report } from './client.ts';
import type { LoadPlan, LoadRecord } from './load.ts';

export interface Client {
  load(plan: LoadPlan): void;
  /** Puts each of these keys at once; when each was acknowledged, in order. */
  probe(keys: readonly string[]): Promise<readonly number[]>;
  /** Ends the load. */
  stop(): Promise<LoadRecord>;
  read(singles: readonly string[], keys: readonly string[]): Promise<Found>;
  close(): void;
}

/** Resolves when it has joined. */
export async function startClient(url: string): Promise<Client> {
  const child = fork(fileURLToPath(new URL('client.ts', import.meta.url)), [url], {
    execArgv: ['--conditions=source', '--import', 'tsx'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  // An order to one that has ended: whoever waits for its answer is told by its end.
  child.on('error', () => undefined);
  const ask = async <K extends Report['kind']>(kind: K, order?: Order): Promise<Extract<Report, { kind: K }>> => {
    const answer = answerOf(child, kind);
    if (order !== undefined) child.send(order);
    return answer;
  };
  await ask('joined');
  return {
    load: (plan) => void child.send({ kind: 'load', plan } satisfies Order),
    probe: async (keys) => (await ask('probed', { kind: 'probe', keys })).atMs,
    stop: async () => (await ask('stopped', { kind: 'stop' })).record,
    read: async (singles, keys) => (await ask('read', { kind: 'read', singles, keys })).found,
    close: () => void child.kill('SIGKILL'),
  };
}

function answerOf<K extends Report['kind']>(child: ChildProcess, kind: K): Promise<Extract<Report, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const onMessage = (report: Report): void => {
      if (report.kind !== kind) return;
      finish();
      resolve(report as Extract<Report, { kind: K }>);
    };
    const onExit = (code: number | null): void => {
      finish();
      reject(new Error(`A client's process ended with ${code}.`));
    };
    const finish = (): void => {
      child.off('message', onMessage);
      child.off('exit', onExit);
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}
