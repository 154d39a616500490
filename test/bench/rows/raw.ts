// The bare data channel itself: the limit of most other rows, and the test of the machine.

import type { Place } from '../bench.ts';
import { inTurns, type Line, middle, type Row, spreadOf } from '../row.ts';
import { bareRates, MESSAGE_BYTES, MIB } from '../rates.ts';

/** Two virtual cores, loopback, 2026: µs of an echo, MB/s. Tab to Node was measured with wrtc. */
const KNOWN: Readonly<Record<Place, { readonly echo: number; readonly rate: number }>> = {
  'Node to Node': { echo: 160, rate: 90 },
  'tab to tab': { echo: 365, rate: 25 },
  'tab to Node': { echo: 310, rate: 33 },
};

export const raw: Row = {
  name: 'raw',
  title: 'The bare data channel',
  shows:
    'Echo of a byte, and the rate at three sizes of messages, without anything of ours. Where the best falls below 0.8 of what was measured before, the run is invalid: the machine is busy, or slower.',
  async run(bench) {
    const lines: Line[] = [];
    for (const place of bench.places) {
      const { a, channels } = await bench.group({ place, replicas: 1 });
      const count = bench.many(1000, 20);
      const bytes = bench.many(64 * MIB, MIB);
      const best: number[] = [];
      const bySize = MESSAGE_BYTES.map((): number[] => []);
      const { limit: echo } = await inTurns(bench.rounds, {
        limit: async () => middle(place, await a.raw.echo('bare 0', count)),
        figure: async () => {
          const rates = await bareRates(a, channels, bytes);
          rates.forEach((rate, size) => bySize[size]?.push(rate));
          best.push(Math.max(...rates));
          return Math.max(...rates);
        },
      });
      lines.push({ what: `${place}, echo of 1 byte`, unit: 'µs', figure: echo, known: KNOWN[place].echo });
      bySize.forEach((rates, size) => {
        const kib = (MESSAGE_BYTES[size] ?? 0) / 1024;
        lines.push({ what: `${place}, messages of ${kib} KiB`, unit: 'MB/s', figure: spreadOf(rates) });
      });
      lines.push({
        what: `${place}, the best of them`,
        unit: 'MB/s',
        figure: spreadOf(best),
        known: KNOWN[place].rate,
      });
    }
    return lines;
  },
};
