// Functions that fit flights-200k.json: delay (minutes), distance (miles), time (hour of the day).

export const flightsMap = `// Map: one row in, one row out. Return undefined to leave a row out, an array for several.
interface Flight {
  delay: number;
  distance: number;
  time: number;
}

const KM_PER_MILE = 1.609344;

export default function (row: Flight) {
  return {
    hour: Math.floor(row.time),
    km: Math.round(row.distance * KM_PER_MILE),
    delay: row.delay,
    late: row.delay > 15,
  };
}
`;

export const flightsFilter = `// Filter: keeps the rows for which it returns true.
interface Flight {
  delay: number;
  distance: number;
  time: number;
}

export default {
  filter(row: Flight, params: { minutes?: number }) {
    return row.delay > (params?.minutes ?? 120) && row.distance > 1000;
  },
};
`;

export const flightsAggregate = `// Aggregate: each member visits its rows, then the parts are joined in order.
interface Flight {
  delay: number;
  distance: number;
  time: number;
}

interface Hour {
  flights: number;
  late: number;
  delay: number;
}

const empty = (): Hour => ({ flights: 0, late: 0, delay: 0 });

export default {
  init: () => Array.from({ length: 24 }, empty),

  visit(hours: Hour[], row: Flight) {
    const hour = hours[Math.floor(row.time) % 24];
    hour.flights += 1;
    hour.delay += row.delay;
    if (row.delay > 15) hour.late += 1;
  },

  join: (a: Hour[], b: Hour[]) =>
    a.map((hour, i) => ({
      flights: hour.flights + b[i].flights,
      late: hour.late + b[i].late,
      delay: hour.delay + b[i].delay,
    })),

  finish: (hours: Hour[]) =>
    hours.map((hour, i) => ({
      hour: i,
      flights: hour.flights,
      latePercent: percent(hour.late, hour.flights),
      meanDelay: hour.flights === 0 ? null : Math.round((hour.delay / hour.flights) * 10) / 10,
    })),
};

function percent(part: number, whole: number) {
  return whole === 0 ? null : Math.round((part / whole) * 1000) / 10;
}
`;
