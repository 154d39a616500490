// The report as a plain table.

import { availableParallelism, loadavg } from 'node:os';
import type { ChaosOptions, ChaosReport } from './chaos.ts';
import { FAULT_KINDS } from './faults.ts';

const KINDS_SHOWN = 30;

export function formatReport(report: ChaosReport, { replicas, seed }: ChaosOptions): string {
  const { acknowledged, lastedMs, copies, waitMs, failovers } = report;
  const last = failovers.map(({ lastMs }) => lastMs).toSorted((a, b) => a - b);
  const seconds = (ms: number | undefined): string => (ms === undefined ? '-' : (ms / 1_000).toFixed(2));
  const rows: readonly (readonly [string, string])[] = [
    ['copies, seed', `${replicas}, ${seed}`],
    ['machine', `${availableParallelism()} cores, load average ${loadavg()[0]?.toFixed(1)}`],
    ['minutes', (lastedMs / 60_000).toFixed(1)],
    ['writes acknowledged', `${acknowledged} (${((acknowledged / lastedMs) * 1_000).toFixed(0)} a second)`],
    ['  by copies', copies.flatMap((count, number) => (count > 0 ? [`${number}: ${count}`] : [])).join(', ')],
    [
      '  waited',
      `median ${waitMs.median.toFixed(1)} ms, 99 % ${waitMs.p99.toFixed(0)}, worst ${waitMs.worst.toFixed(0)}`,
    ],
    ['puts with a key of their own', `${report.singles}`],
    ['  found again', `${report.found}`],
    ['  lost', `${report.lost}`],
    ['  unknown', `${report.unknown}`],
    ['  refused', `${report.refused}`],
    ['errors to callers', [...report.errors].map(([code, count]) => `${code} ${count}`).join(', ') || 'none'],
    ['histories', `${report.histories} keys, ${report.operations} operations`],
    [
      'failover, s',
      `median ${seconds(last[Math.floor(last.length / 2)])}, worst ${seconds(last.at(-1))}, of ${last.length}`,
    ],
    ['whole again after the last fault, s', seconds(report.wholeAfterMs)],
    ['longest time between faults, s', seconds(report.longestGapMs)],
    ...FAULT_KINDS.map((kind): readonly [string, string] => [kind, `${report.struck.get(kind) ?? 0}`]),
    ['members that ended by themselves', `${report.ends.length}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const findings = report.findings.slice(0, KINDS_SHOWN).map((finding) => `FAILED ${finding}`);
  return [...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`), ...report.ends, ...findings].join('\n');
}
