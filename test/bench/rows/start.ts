// From a start to a member, alone and with many others.

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Bench, isSettled } from '../bench.ts';
import { inTurns, type Line, type Row } from '../row.ts';
import { rowsOf } from '../table-rows.ts';
import { until } from '../../e2e/support.ts';

const program = (name: string): string => fileURLToPath(new URL(`../programs/${name}`, import.meta.url));

export const join: Row = {
  name: 'join',
  title: 'From navigation to member (tab), from start to member (process)',
  shows:
    'Until it is admitted, has the table, and has read a value of another member. A tab’s time is by its own clock from the beginning of the navigation, with an empty cache; a process has an empty folder and runs what the build made. Beside it: the page’s load event, and a process that does nothing.',
  async run(bench) {
    const { b, url, keysOf } = await bench.group({ place: 'Node to Node', replicas: 1 });
    const [key = ''] = await keysOf(b, 1);
    await b.member.fill([key], 100);
    const rounds = bench.rounds;
    const tab = await inTurns(rounds, {
      limit: async () => (await openTab(bench, url, key)).loadMs,
      figure: async () => (await openTab(bench, url, key)).memberMs,
    });
    const node = await inTurns(rounds, {
      limit: () => timeOf(['-e', 'console.log("member"); process.stdin.once("data", () => process.exit(0))']),
      figure: async () => timeOf([program('start.mjs'), url, await bench.stage.folder(), key]),
    });
    return [
      { what: 'tab', unit: 'ms', figure: tab.figure, limit: tab.limit, against: 'page load', goal: { atMost: 2000 } },
      {
        what: 'process',
        unit: 'ms',
        figure: node.figure,
        limit: node.limit,
        against: 'bare process',
        goal: { atMost: 1000 },
      },
    ];
  },
};

async function openTab(
  bench: Bench,
  url: string,
  key: string,
): Promise<{ readonly loadMs: number; readonly memberMs: number }> {
  const context = await (await bench.browser()).newContext();
  try {
    const tab = await context.newPage();
    await tab.goto(url);
    return await tab.evaluate(async (wanted) => {
      const page = globalThis as unknown as { shoal?: { mesh?: { get(key: string): Promise<unknown> } } };
      while (page.shoal?.mesh === undefined) await new Promise((resolve) => setTimeout(resolve, 2));
      if ((await page.shoal.mesh.get(wanted)) === undefined) throw new Error(`${wanted} is absent`);
      const memberMs = performance.now();
      const [navigation] = performance.getEntriesByType('navigation');
      return { memberMs, loadMs: (navigation as PerformanceNavigationTiming).loadEventEnd };
    }, key);
  } finally {
    await context.close();
  }
}

/** Milliseconds until it says that it is a member. */
async function timeOf(args: readonly string[]): Promise<number> {
  const beganAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const said = new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('close', () => reject(new Error(`${args[0]} ended early`)));
  });
  try {
    await said;
    return performance.now() - beganAt;
  } finally {
    child.stdin.end('go\n');
    await ended;
  }
}

export const processes: Row = {
  name: 'processes',
  title: 'Members started together, until all links are up and all slots settled',
  shows:
    'From the first start, each with a folder of its own and two copies of each slot; the table is looked at ten times a second. Beside it: as many processes that only link each other by bare simple-peer. Processes share the cores of one machine: with more of them it shows the cost of work, not of waiting.',
  async run(bench) {
    const lines: Line[] = [];
    for (const members of bench.isSmallest ? [3] : [10, 25, 50]) {
      const measured = await inTurns(bench.many(2, 1), {
        limit: () => bareMesh(members),
        figure: () => mesh(bench, members),
      });
      const what = `${members} processes`;
      lines.push({ what, unit: 's', ...measured, against: 'bare simple-peer', goal: { atMost: 2 } });
      if (members === 50)
        lines.push({ what: `${what}, in all`, unit: 's', figure: measured.figure, goal: { atMost: 20 } });
    }
    return lines;
  },
};

const START_MS = 300_000;

async function mesh({ stage }: Bench, members: number): Promise<number> {
  const server = await stage.startServer({ args: ['--replicas', '2'] });
  const folders = await Promise.all(Array.from({ length: members }, () => stage.folder()));
  const beganAt = performance.now();
  const children = folders.map((folder) => start('member.mjs', [server.url, folder, `${members}`]));
  try {
    await linked(children);
    await until(
      async () => isSettled(await rowsOf(server.data), { members, replicas: 2 }),
      () => `${members} members with settled shares`,
      START_MS,
    );
    return (performance.now() - beganAt) / 1000;
  } finally {
    await Promise.all(children.map((child) => ended(child)));
    await server.stop('SIGKILL');
  }
}

async function bareMesh(members: number): Promise<number> {
  const beganAt = performance.now();
  const children = Array.from({ length: members }, (_, self) => start('bare-mesh.mjs', [`${self}`, `${members}`]));
  for (const child of children) {
    child.on('message', (message) => {
      if (typeof message === 'object' && 'to' in message) children[Number(message.to)]?.send(message);
    });
  }
  try {
    await linked(children);
    return (performance.now() - beganAt) / 1000;
  } finally {
    await Promise.all(children.map((child) => ended(child)));
  }
}

/** Runs what the build made, whatever this process was started with. */
function start(name: string, args: readonly string[]): ChildProcess {
  return fork(program(name), args, { execArgv: [] });
}

function linked(children: readonly ChildProcess[]): Promise<unknown> {
  return Promise.all(
    children.map(
      (child) =>
        new Promise<void>((resolve, reject) => {
          child.on('message', (message) => {
            if (message === 'linked') resolve();
          });
          child.once('exit', () => reject(new Error('a process ended before it was linked')));
          setTimeout(() => reject(new Error(`not linked within ${START_MS / 1000} s`)), START_MS).unref();
        }),
    ),
  );
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
