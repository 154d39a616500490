// When machines were cut off, stood still or were down: what is asked there meanwhile may well fail.

export interface Outages {
  /** Of a machine; those that overlap count as one. */
  begin(name: string): void;
  end(name: string): void;
  /** Whether there was one at some time from then until then. */
  during(name: string, fromMs: number, untilMs: number): boolean;
}

interface Outage {
  readonly fromMs: number;
  untilMs: number;
}

export function createOutages(nowMs: () => number): Outages {
  const outages = new Map<string, Outage[]>();
  const depths = new Map<string, number>();
  return {
    begin(name) {
      const depth = depths.get(name) ?? 0;
      depths.set(name, depth + 1);
      if (depth > 0) return;
      const before = outages.get(name) ?? [];
      outages.set(name, [...before, { fromMs: nowMs(), untilMs: Infinity }]);
    },
    end(name) {
      const depth = depths.get(name) ?? 0;
      depths.set(name, Math.max(0, depth - 1));
      const last = outages.get(name)?.at(-1);
      if (depth === 1 && last !== undefined) last.untilMs = nowMs();
    },
    during: (name, fromMs, untilMs) =>
      (outages.get(name) ?? []).some((outage) => outage.fromMs <= untilMs && outage.untilMs >= fromMs),
  };
}
