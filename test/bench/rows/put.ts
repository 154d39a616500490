// Writing: one at a time, acknowledged by one and by two copies, and many at once.

import { median } from '../figures.ts';
import { inTurns, type Line, middle, type Row } from '../row.ts';

export const putSmall: Row = {
  name: 'put-small',
  title: 'Put of 100 B to another member, acknowledged',
  shows:
    'One write at a time. The limit is a sum of medians: an echo (two with two copies, as the owner asks the backup) and one put into bare storage of the owner’s kind, since owner and backup write at the same time. With two copies the backup is the caller itself: there is no third member.',
  async run(bench) {
    const lines: Line[] = [];
    for (const place of bench.places) {
      for (const copies of [1, 2]) {
        const { a, b, keysOf } = await bench.group({ place, replicas: copies });
        const count = bench.many(500, 10);
        const measured = await inTurns(bench.rounds, {
          limit: async () => {
            const echo = middle(place, await a.raw.echo('bare 0', count));
            const put = await b.store.each(await bench.stage.folder(), count, 100);
            return copies * echo + (place === 'tab to tab' ? middle(place, put) : median(put));
          },
          figure: async () => middle(place, await a.member.putEach(await keysOf(b, count), 100, { minCopies: copies })),
        });
        lines.push({
          what: `${place}, ${copies === 1 ? 'one copy' : 'two copies'}`,
          unit: 'µs',
          ...measured,
          against: copies === 1 ? 'echo + bare put' : '2 echoes + bare put',
          goal: { atMost: 1.4 },
        });
      }
    }
    return lines;
  },
};

const IN_FLIGHT = 64;

export const putMany: Row = {
  name: 'put-many',
  title: 'Puts of 1 KiB, 64 in flight, and their owner killed',
  shows:
    'How many a second, against batches of 64 in bare storage of the same kind. Then the owner is killed (the process by signal 9, the tab by a crash of its renderer), started again on its storage, and every acknowledged value is read: one that is missing or not what was put fails the row. Not: a loss of power.',
  async run(bench) {
    const lines: Line[] = [];
    for (const place of bench.places) {
      const group = await bench.ownGroup({ place, replicas: 1 });
      try {
        const { a, b } = group;
        const count = bench.many(5000, 128);
        const acknowledged: string[] = [];
        const measured = await inTurns(bench.rounds, {
          limit: async () =>
            (1000 * count) / (await b.store.batches(await bench.stage.folder(), count, 1024, IN_FLIGHT)),
          figure: async () => {
            const { ms, done } = await a.member.putAll(await group.keysOf(b, count), 1024, IN_FLIGHT);
            acknowledged.push(...done);
            return (1000 * done.length) / ms;
          },
        });
        await b.kill();
        await group.revive(b);
        await a.member.check(acknowledged, 1024);
        lines.push({ what: place, unit: '/s', ...measured, against: 'bare storage', goal: { atLeast: 0.5 } });
      } finally {
        await group.close();
      }
    }
    return lines;
  },
};
