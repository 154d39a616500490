// Small things beside large ones on the same link.

import type { Group } from '../bench.ts';
import { quantile } from '../figures.ts';
import { inTurns, type Line, type Row, spreadOf } from '../row.ts';
import { MIB, rateOf } from '../rates.ts';

export const getBeside: Row = {
  name: 'get-beside',
  title: 'Get of 100 B while Blobs stream on the same link',
  shows:
    'Whether bulk delays what is small: a member sends 1 GiB of messages of 1 MiB, eight at once, to the one that gets from it, one Get after the other with pauses of 5 ms. Then what the stream loses by it.',
  async run(bench) {
    const lines: Line[] = [];
    for (const place of bench.places) {
      const { a, b, keysOf } = await bench.group({ place, replicas: 1 });
      const bytes = bench.many(1024 * MIB, 4 * MIB);
      const to = await a.member.id();
      await a.member.listen();
      const tailOf = async (until: (stop: () => Promise<void>) => Promise<void>): Promise<number> => {
        const keys = await keysOf(b, bench.many(5000, 200));
        await b.member.fill(keys, 100);
        const getting = a.member.getUntil(keys);
        await until(() => a.member.stop());
        return quantile(await getting, 0.99) / 1000;
      };
      const rates: number[] = [];
      const rounds = bench.many(1, 1);
      const tails = await inTurns(rounds, {
        limit: () => tailOf(async (stop) => void setTimeout(() => void stop(), bench.many(5000, 200))),
        figure: () =>
          tailOf(async (stop) => {
            rates.push(rateOf(bytes, await b.member.stream(to, bytes)));
            await stop();
          }),
      });
      const rate = await inTurns(rounds, {
        limit: async () => rateOf(bytes, await b.member.stream(to, bytes)),
        figure: async (round) => rates[round] ?? Number.NaN,
      });
      lines.push(
        {
          what: `${place}, 99th percentile`,
          unit: 'ms',
          figure: tails.figure,
          limit: tails.limit,
          against: 'idle Get',
          goal: { atMost: place === 'Node to Node' ? 15 : 50 },
        },
        { what: `${place}, the stream`, unit: 'MB/s', ...rate, against: 'alone', goal: { atLeast: 0.85 } },
      );
    }
    return lines;
  },
};

/** Wishes are made anew each two seconds. */
const STILL_MS = 3_000;
const SHAPED_BYTES_PER_SECOND = 1_000_000;

export const heartbeat: Row = {
  name: 'heartbeat',
  title: 'Heartbeats while a Blob streams over a line of 1 MB/s',
  shows:
    'How old a heartbeat is at most when it comes: its round trip, seen from both ends, of which the way behind the stream is a part. The line is a real data channel behind a bucket of tokens in each direction; nothing is delayed or lost otherwise. No copy may be dropped and no slot taken over meanwhile.',
  async run(bench) {
    const group = await bench.ownGroup({ place: 'Node to Node', replicas: 2, shape: SHAPED_BYTES_PER_SECOND });
    try {
      const { a, b } = group;
      const before = await untilStill(group);
      const ids = [await a.member.id(), await b.member.id()] as const;
      await a.member.listen();
      const watches = [a.member.heartbeats(ids[1]), b.member.heartbeats(ids[0])];
      await b.member.stream(ids[0], bench.many(1024 * MIB, 3 * MIB));
      await Promise.all([a.member.stop(), b.member.stop()]);
      const trips = await Promise.all(watches);
      const lines: Line[] = trips.map((of, end) => ({
        what: end === 0 ? 'asked by the receiver, longest' : 'asked by the sender, longest',
        unit: 'ms',
        figure: { median: Math.max(...of), least: Math.min(...of), most: Math.max(...of) },
        goal: { atMost: 500 },
      }));
      const changed = (await configurations(group)).filter((row, slot) => row !== before[slot]).length;
      return [
        ...lines,
        { what: 'slots that changed', unit: 'slots', figure: spreadOf([changed]), goal: { atMost: 0 } },
      ];
    } finally {
      await group.close();
    }
  },
};

/** Equal shares are there before the last slot has moved. */
async function untilStill(group: Group): Promise<readonly string[]> {
  for (let last = await configurations(group); ;) {
    await new Promise((resolve) => setTimeout(resolve, STILL_MS));
    const now = await configurations(group);
    if (now.join() === last.join()) return now;
    last = now;
  }
}

async function configurations(group: Group): Promise<readonly string[]> {
  return (await group.table()).map(({ epoch, owner }) => `${epoch} ${owner}`);
}
