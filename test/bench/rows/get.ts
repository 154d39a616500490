// Reading: small values, large ones, many at once, and what is here.

import { type End, startNodeEnd } from '../ends/end.ts';
import { median, quantile } from '../figures.ts';
import { inTurns, type Line, middle, type Row, spreadOf } from '../row.ts';
import { bestBareRate, getRate, MIB } from '../rates.ts';

export const getSmall: Row = {
  name: 'get-small',
  title: 'Get of 100 B from another member',
  shows: 'One request at a time on an open link, each of a key not read before. Not: how many a second.',
  async run(bench) {
    const lines: Line[] = [];
    for (const place of bench.places) {
      const group = await bench.group({ place, replicas: 1 });
      const count = bench.many(1000, 20);
      const tails: number[] = [];
      const farTails: number[] = [];
      const measured = await inTurns(bench.rounds, {
        limit: async () => middle(place, await group.a.raw.echo('bare 0', count)),
        figure: async () => {
          const keys = await group.keysOf(group.b, count);
          await group.b.member.fill(keys, 100);
          const samples = await group.a.member.getEach(keys);
          tails.push(quantile(samples, 0.99));
          farTails.push(quantile(samples, 0.999));
          return middle(place, samples);
        },
      });
      lines.push(
        { what: place, unit: 'µs', ...measured, against: 'echo of 1 byte', goal: { atMost: 1.5 } },
        { what: `${place}, 99th percentile`, unit: 'µs', figure: spreadOf(tails) },
        { what: `${place}, 99.9th percentile`, unit: 'µs', figure: spreadOf(farTails) },
      );
    }
    return lines;
  },
};

export const getLarge: Row = {
  name: 'get-large',
  title: 'Get of 64 MiB from another member',
  shows:
    'The rate of one large value, read there just before (from cache) or not. Limit: the best of three sizes of messages on the bare channel. Hashes are compared outside the clock.',
  async run(bench) {
    const lines: Line[] = [];
    for (const place of bench.places) {
      const group = await bench.group({ place, replicas: 1 });
      const bytes = bench.many(64 * MIB, MIB);
      for (const from of ['cache', 'storage'] as const) {
        const gets = { count: 1, bytes, from, holders: [group.b], cacheBytes: bytes };
        const measured = await inTurns(bench.rounds, {
          limit: () => bestBareRate(group.a, group.channels, bytes),
          figure: () => getRate(group, gets),
        });
        const what = `${place}, from ${from}`;
        lines.push({ what, unit: 'MB/s', ...measured, against: 'bare channel', goal: { atLeast: 0.9 } });
      }
    }
    return lines;
  },
};

export const getMany: Row = {
  name: 'get-many',
  title: '16 Gets of 4 MiB at once',
  shows:
    'Whether values that share a link fill it, and whether two links give more than one: the limit is one bare channel, or two at once. On two cores two links are no faster than one.',
  async run(bench) {
    const lines: Line[] = [];
    const bytes = bench.many(4 * MIB, 64 * 1024);
    for (const members of [2, 3] as const) {
      const group = await bench.group({ place: 'Node to Node', replicas: 1, members });
      const { holders } = group;
      const gets = { count: 16 / holders.length, bytes, from: 'storage', holders, cacheBytes: 16 * bytes } as const;
      const measured = await inTurns(bench.rounds, {
        limit: () => bestBareRate(group.a, group.channels, 16 * bytes),
        figure: () => getRate(group, gets),
      });
      lines.push({
        what: members === 2 ? 'Node to Node, from one member' : 'Node to Node, from two members',
        unit: 'MB/s',
        ...measured,
        against: members === 2 ? 'bare channel' : 'two bare channels',
        goal: { atLeast: 0.9 },
      });
    }
    return lines;
  },
};

export const getBatch: Row = {
  name: 'get-batch',
  title: 'getMany of 1,000 keys of 1 KiB from another member',
  shows: 'What many small values cost together. Limit: the time of as many bytes on the bare channel.',
  async run(bench) {
    const group = await bench.group({ place: 'Node to Node', replicas: 1 });
    const count = bench.many(1000, 50);
    const bytes = count * 1024;
    const measured = await inTurns(bench.rounds, {
      limit: async () => bytes / 1000 / (await bestBareRate(group.a, group.channels, bytes)),
      figure: async () => {
        const keys = await group.keysOf(group.b, count);
        await group.b.member.fill(keys, 1024);
        return group.a.member.getMany(keys);
      },
    });
    return [{ what: group.place, unit: 'ms', ...measured, against: 'bare channel', goal: { atMost: 3 } }];
  },
};

export const getOwn: Row = {
  name: 'get-own',
  title: 'Get of a value that is here',
  shows:
    'A mean over a thousand mesh.get one after the other: of a value that this member owns, and of the code of a function that another owns and this one has run. Not: values from storage.',
  async run(bench) {
    const { a, b, keysOf } = await bench.group({ place: 'Node to Node', replicas: 1 });
    const thousands = bench.many(10, 1);
    const [own = ''] = await keysOf(a, 1);
    await a.member.fill([own], 100);
    const named = await namedKey(a, b);
    const bare = startNodeEnd('bare Map');
    const lines: Line[] = [];
    try {
      for (const [what, key] of [
        ['owned', own],
        ['named by its content, of another', named],
      ] as const) {
        const { limit, figure } = await inTurns(bench.rounds, {
          limit: async () => median(await bare.node.mapEach(1000, thousands)),
          figure: async () => median(await a.member.getOften(key, thousands)),
        });
        lines.push({ what, unit: 'µs', figure, limit, against: 'Map', goal: { atMost: 5 } });
      }
    } finally {
      await bare.close();
    }
    return lines;
  },
};

/** The code of a function, in a slot of `b`, that `a` has had in its hands. */
async function namedKey(a: End, b: End): Promise<string> {
  const [idOfA, idOfB] = [await a.member.id(), await b.member.id()];
  for (let number = 0; number < 64; number += 1) {
    await a.member.callSource(`export default () => ${number}`, idOfA);
    const [key] = await a.member.keysOf(idOfB, '~udf/*');
    if (key !== undefined) return key;
  }
  throw new Error('no function came to lie there');
}
