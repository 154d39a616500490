// Functions that fit birdstrikes.csv.

export const birdstrikesMap = `// Map: one row in, one row out. Names with spaces are read with brackets.
export default function (row: Record<string, any>) {
  return {
    date: row['Flight Date'],
    species: row['Wildlife Species'],
    phase: row['Phase of flight'],
    cost: row['Cost Total $'] ?? 0,
    kmh: row['Speed IAS in knots'] === null ? null : Math.round(row['Speed IAS in knots'] * 1.852),
  };
}
`;

export const birdstrikesFilter = `// Filter: keeps the rows for which it returns true.
export default {
  filter(row: Record<string, any>, params: { cost?: number }) {
    return (row['Cost Total $'] ?? 0) > (params?.cost ?? 100_000);
  },
};
`;

export const birdstrikesAggregate = `// Aggregate: strikes and costs for each phase of flight.
interface Phase {
  strikes: number;
  cost: number;
}

type Phases = Record<string, Phase>;

export default {
  init: (): Phases => ({}),

  visit(phases: Phases, row: Record<string, any>) {
    add(phases, row['Phase of flight'] ?? '(unknown)', { strikes: 1, cost: row['Cost Total $'] ?? 0 });
  },

  join(a: Phases, b: Phases) {
    for (const [name, phase] of Object.entries(b)) add(a, name, phase);
    return a;
  },

  finish: (phases: Phases) =>
    Object.entries(phases)
      .map(([name, phase]) => ({ phase: name, ...phase }))
      .sort((a, b) => b.strikes - a.strikes),
};

function add(phases: Phases, name: string, more: Phase) {
  const phase = (phases[name] ??= { strikes: 0, cost: 0 });
  phase.strikes += more.strikes;
  phase.cost += more.cost;
}
`;
