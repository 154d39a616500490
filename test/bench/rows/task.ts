// Tasks: one, many at once, and next to their data.

import { startNodeEnd } from '../ends/end.ts';
import { median } from '../figures.ts';
import { inTurns, middle, type Row } from '../row.ts';
import { MIB, rateOf } from '../rates.ts';

export const taskEmpty: Row = {
  name: 'task-empty',
  title: 'An empty task on another member, one at a time',
  shows:
    'What a task costs beside its work, once its function is known there. Others on two cores: Ray 1.2 ms, Dask 10.3.',
  async run(bench) {
    const { a, b, place } = await bench.group({ place: 'Node to Node', replicas: 1 });
    const count = bench.many(300, 5);
    const there = await b.member.id();
    const worker = startNodeEnd('bare worker');
    try {
      await a.member.callEach(there, 5);
      const measured = await inTurns(bench.rounds, {
        limit: async () =>
          middle(place, await a.raw.echo('bare 0', count)) + median(await worker.node.workerEach(count)),
        figure: async () => median(await a.member.callEach(there, count)),
      });
      return [{ what: place, unit: 'µs', ...measured, against: 'echo + bare Comlink worker', goal: { atMost: 1.5 } }];
    } finally {
      await worker.close();
    }
  },
};

export const taskMany: Row = {
  name: 'task-many',
  title: '10,000 empty tasks over two members, each with its own result, three of which fail alone',
  shows:
    'What a task costs when there are many: one function called once for each, by callMany; time for each task. The bare worker gets as many calls at once. Others on two cores: Piscina without a network 25 µs, BullMQ 58, Ray 343, Dask 1,430.',
  async run(bench) {
    const { a } = await bench.group({ place: 'Node to Node', replicas: 1 });
    const count = bench.many(10_000, 100);
    const failing = [3, Math.floor(count / 2), count - 1];
    const worker = startNodeEnd('bare worker');
    try {
      await a.member.callAll(count, failing);
      const { figure, limit } = await inTurns(bench.rounds, {
        limit: async () => (1000 * (await worker.node.workerAll(count))) / count,
        figure: async () => (1000 * (await a.member.callAll(count, failing))) / count,
      });
      return [{ what: 'each', unit: 'µs', figure, limit, against: 'bare Comlink worker', goal: { atMost: 20 } }];
    } finally {
      await worker.close();
    }
  },
};

export const taskData: Row = {
  name: 'task-data',
  title: 'Tasks on two members that each sum a value of 1 MiB which they hold',
  shows:
    'What it costs to bring a value to its task. Limit: two bare workers in two processes at once, each given one buffer after the other by transfer.',
  async run(bench) {
    const { a, b, keysOf } = await bench.group({ place: 'Node to Node', replicas: 1 });
    const count = bench.many(64, 4);
    const workers = [a, b].map(({ name }) => startNodeEnd(`bare worker of ${name}`));
    const bytes = workers.length * count * MIB;
    try {
      const asked: { readonly member: string; readonly keys: readonly string[] }[] = [];
      for (const end of [a, b]) {
        const keys = await keysOf(end, count);
        await end.member.fill(keys, MIB);
        asked.push({ member: await end.member.id(), keys });
      }
      await a.member.sums(asked);
      const measured = await inTurns(bench.rounds, {
        limit: async () => {
          const times = await Promise.all(workers.map(({ node }) => node.workerSums(count, MIB)));
          return rateOf(bytes, Math.max(...times));
        },
        figure: async () => rateOf(bytes, await a.member.sums(asked)),
      });
      return [{ what: 'two members', unit: 'MB/s', ...measured, against: 'two bare workers', goal: { atLeast: 0.7 } }];
    } finally {
      await Promise.all(workers.map((worker) => worker.close()));
    }
  },
};
