// What is said of a seed.

import { formatFault } from './faults.ts';
import type { Report } from './simulation.ts';

export function formatLine({ seed, hash, counts, struck, moves, takeOvers, delivered, findings }: Report): string {
  const { ok, failed, unknown } = counts;
  const faults = [...struck].map(([kind, count]) => (count === 1 ? kind : `${kind} ×${count}`)).join(', ');
  const verdict = findings.length === 0 ? 'passed' : 'FAILED';
  return `seed ${seed} ${verdict}: ${ok} ok, ${failed} failed, ${unknown} unknown; ${moves} moves, ${takeOvers} by take-over; ${delivered} events, ${hash}; ${faults}`;
}

export function formatReport(report: Report): string {
  const { findings, plan } = report;
  if (findings.length === 0) return formatLine(report);
  return [formatLine(report), 'Faults:', ...plan.map(formatFault), ...findings].join('\n');
}
