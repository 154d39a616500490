// What members take of memory, while values go through them and while others come and go.

import { startNodeEnd } from '../ends/end.ts';
import { watchResident } from '../resident.ts';
import { type Line, type Row, spreadOf } from '../row.ts';
import { MIB } from '../rates.ts';

export const memoryPut: Row = {
  name: 'memory-put',
  title: '1 GiB put through a member with a cache of 64 MiB',
  shows:
    'The peak of resident memory above what it was before, looked at each 100 ms, at the member that stores and at the one that puts: values of 4 MiB, four at once.',
  async run(bench) {
    const group = await bench.ownGroup({ place: 'Node to Node', replicas: 1 });
    try {
      const { a, b } = group;
      const keys = await group.keysOf(b, bench.many(256, 4));
      const watches = [b, a].map(({ pid = 0 }) => watchResident(pid));
      await a.member.putAll(keys, 4 * MIB, 4);
      const [stores = 0, puts = 0] = watches.map((watch) => watch.stop() / MIB);
      return [
        { what: 'who stores', unit: 'MiB', figure: spreadOf([stores]), goal: { atMost: 250 } },
        { what: 'who puts', unit: 'MiB', figure: spreadOf([puts]), goal: { atMost: 250 } },
      ];
    } finally {
      await group.close();
    }
  },
};

export const memoryVisits: Row = {
  name: 'memory-visits',
  title: 'Connect and leave, 300 times',
  shows:
    'What a lasting member keeps of those who come, read a value and leave: resident memory between the 50th and the 300th visit, after collecting garbage.',
  async run(bench) {
    const group = await bench.ownGroup({ place: 'Node to Node', replicas: 1 });
    const visitor = startNodeEnd('visitor');
    try {
      const { a, b } = group;
      const [key = ''] = await group.keysOf(a, 1);
      await a.member.fill([key], 100);
      const [from, to] = [bench.many(50, 1), bench.many(300, 3)];
      const residents = (): Promise<readonly number[]> => Promise.all([a, b].map((end) => end.residentBytes()));
      let before: readonly number[] = [];
      for (let visit = 1; visit <= to; visit += 1) {
        await visitor.own.visit(group.url, key);
        if (visit === from) before = await residents();
      }
      const after = await residents();
      return [a, b].map(({ name }, at): Line => ({
        what: `member ${name}`,
        unit: 'MiB',
        figure: spreadOf([((after[at] ?? 0) - (before[at] ?? 0)) / MIB]),
        goal: { atMost: 20 },
      }));
    } finally {
      await visitor.close();
      await group.close();
    }
  },
};
