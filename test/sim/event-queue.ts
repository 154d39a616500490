// What is to happen, in the order of its time; things of one time in the order in which they were asked
// for. A binary heap: a simulated minute is some ten thousand events.

export interface Queued {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  isOff: boolean;
}

export interface EventQueue {
  add(atMs: number, run: () => void): Queued;
  /** The next that is not called off; stays in the queue. */
  peek(): Queued | undefined;
  take(): Queued | undefined;
  clear(): void;
  /** Those not called off. */
  count(): number;
}

export function createEventQueue(): EventQueue {
  let heap: Queued[] = [];
  let order = 0;

  const isBefore = (a: number, b: number): boolean => {
    const first = heap[a];
    const second = heap[b];
    if (first === undefined || second === undefined) return false;
    return first.atMs < second.atMs || (first.atMs === second.atMs && first.order < second.order);
  };

  const swap = (a: number, b: number): void => {
    const first = heap[a];
    const second = heap[b];
    if (first === undefined || second === undefined) return;
    heap[a] = second;
    heap[b] = first;
  };

  const removeFirst = (): Queued | undefined => {
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return first;
    heap[0] = last;
    for (let place = 0; ;) {
      const left = 2 * place + 1;
      const least = isBefore(left + 1, left) ? left + 1 : left;
      if (!isBefore(least, place)) return first;
      swap(least, place);
      place = least;
    }
  };

  const peek = (): Queued | undefined => {
    while (heap[0]?.isOff === true) removeFirst();
    return heap[0];
  };

  return {
    add(atMs, run) {
      const queued: Queued = { atMs, order, run, isOff: false };
      order += 1;
      heap.push(queued);
      for (let place = heap.length - 1; place > 0;) {
        const parent = (place - 1) >> 1;
        if (!isBefore(place, parent)) break;
        swap(place, parent);
        place = parent;
      }
      return queued;
    },
    peek,
    take() {
      if (peek() === undefined) return undefined;
      return removeFirst();
    },
    clear() {
      heap = [];
    },
    count: () => heap.filter(({ isOff }) => !isOff).length,
  };
}
