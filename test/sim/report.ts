// What is said of a seed.

import { formatFault } from './faults.ts';
import type { Report } from './simulation.ts';

export function formatLine({ seed, hash, counts, struck, moves, takeOvers, delivered, findings }: Report): string {
  const { ok, failed, unknown } = counts;
  const faults = [...struck].map(([kind, count]) => (count === 1 ? kind : `${kind} ×${count}`)).join(', ');
  const verdict = findings.length === 0 ? 'passed' : 'FAILED';
  return `seed ${seed} ${verdict}: ${ok} ok, ${failed} failed, ${unknown} unknown; ${moves} moves, ${takeOvers} by take-over; ${delivered} events, ${hash}; ${faults}`;
}

/** What shows that the mesh stopped working, not that it answered wrongly. */
const NO_PROMISE =
  /^(a part threw|nobody handles|not whole|after the faults nobody answers)| logged | did not leave$| timers| is busy$| channels are open | not decided after /;

/** Whether a finding is a wrong answer or a lost write, and no crash, hang or leak. */
export function isBrokenPromise(finding: string): boolean {
  return !NO_PROMISE.test(finding.split('\n')[0] ?? '');
}

export function formatReport(report: Report): string {
  const { findings, plan } = report;
  if (findings.length === 0) return formatLine(report);
  return [formatLine(report), 'Faults:', ...plan.map(formatFault), ...findings].join('\n');
}
