// The chaos run in its short form: each kind of fault once.

import { expect, test } from 'vitest';
import { runChaos } from '../chaos/chaos.ts';
import { FAULT_KINDS } from '../chaos/faults.ts';

test(
  'kills, stops, crashes, a lost folder and a full disk under load: nothing acknowledged is lost, every history is linearizable',
  { timeout: 600_000 },
  async ({ signal }) => {
    const report = await runChaos({
      minutes: 0,
      short: true,
      replicas: 2,
      seed: 1,
      kinds: FAULT_KINDS,
      putsPerSecond: 200,
      signal,
      log: () => undefined,
    });

    expect(report.findings).toEqual([]);
    expect([...report.struck.keys()].toSorted()).toEqual(FAULT_KINDS.toSorted());
    expect(report.wholeAfterMs).toBeDefined();
    expect(report.found).toBeGreaterThan(1_000);
  },
);
