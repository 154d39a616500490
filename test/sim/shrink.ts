// Fewer faults that break the same seed: what is left shows what it takes.

import type { Fault } from './faults.ts';
import { simulate, type Report } from './simulation.ts';

/** Tries to leave out each half, quarter and so on, then each one; `runsMost` bounds the time that takes. */
export async function shrink(report: Report, runsMost = 60): Promise<Report> {
  let least = report;
  let runs = 0;
  const fails = async (plan: readonly Fault[]): Promise<boolean> => {
    runs += 1;
    const tried = await simulate({ seed: report.seed, plan });
    if (tried.findings.length === 0) return false;
    least = tried;
    return true;
  };
  for (let size = Math.ceil(report.plan.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let first = 0; first < least.plan.length && runs < runsMost;) {
      const without = [...least.plan.slice(0, first), ...least.plan.slice(first + size)];
      if (!(await fails(without))) first += size;
    }
  }
  return least;
}
