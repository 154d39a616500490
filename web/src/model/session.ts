// Whether this tab is a member: joining, joined, leaving, left, or why not. The rest of the model hangs
// on the `mesh` of a joined session.

import type { Mesh, MeshStatus } from '@shoal/peer';
import { isMeshError, limits, type StopTimer } from '@shoal/shared';
import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { PagePorts, StartStep, StoreInfo } from './ports.ts';
import { type Problem, problemOf } from './problem.ts';

export type SessionState =
  | { readonly kind: 'joining'; readonly step: StartStep }
  | { readonly kind: 'joined'; readonly mesh: Mesh; readonly store: StoreInfo }
  | { readonly kind: 'leaving'; readonly mesh: Mesh; readonly store: StoreInfo; readonly slotsAtStart: number }
  | { readonly kind: 'left' }
  | { readonly kind: 'out'; readonly problem: Problem };

export interface Session {
  readonly state: ReadonlySignal<SessionState>;
  readonly status: ReadonlySignal<MeshStatus | undefined>;
  /** Of a joined or leaving session. */
  readonly mesh: ReadonlySignal<Mesh | undefined>;
  readonly name: ReadonlySignal<string>;
  readonly workers: ReadonlySignal<number>;
  readonly isPaused: ReadonlySignal<boolean>;
  /** What a button of the card could not do. */
  readonly complaint: ReadonlySignal<string | undefined>;
  join(token?: string): void;
  leave(): Promise<void>;
  /** Ends the hand-over: what is not handed over yet stays with this tab's store. */
  stopLeaving(): void;
  pause(paused: boolean): Promise<void>;
  rename(name: string): Promise<void>;
  setWorkers(count: number): Promise<void>;
}

export const NAME_CHARS = limits.nameChars;
export const WORKERS_MAX = limits.workersMax;

const RETRY_MS = 3_000;

export function createSession(ports: PagePorts): Session {
  const { memory, meshName } = ports;
  const state = signal<SessionState>({ kind: 'joining', step: 'store' });
  const status = signal<MeshStatus | undefined>(undefined);
  const complaint = signal<string | undefined>(undefined);
  const name = signal('');
  const workers = signal(storedWorkers(ports));
  const mesh = computed(() => ('mesh' in state.value ? state.value.mesh : undefined));
  const isPaused = computed(() => status.value?.members.find((member) => member.self)?.state === 'paused');
  let attempt = new AbortController();
  let leaving = new AbortController();
  let rememberName: (next: string) => void = () => undefined;
  let stopRetry: StopTimer = () => undefined;

  effect(() => memory.set('workers', String(workers.value)));

  const fail = (error: unknown): void => {
    const problem = problemOf(error, meshName);
    batch(() => {
      state.value = { kind: 'out', problem };
      status.value = undefined;
    });
    if (problem.remedy === 'by-itself') stopRetry = ports.clock.setTimer(() => join(), RETRY_MS);
  };

  const left = (): void =>
    batch(() => {
      state.value = { kind: 'left' };
      status.value = undefined;
    });

  const watch = (joined: Mesh): void => {
    status.value = joined.status();
    joined.on('changed', (next) => {
      if (mesh.peek() === joined) status.value = next;
    });
    joined.on('stopped', ({ error }) => {
      const kind = state.peek().kind;
      if (mesh.peek() !== joined || kind === 'leaving' || kind === 'left') return;
      // Drained from elsewhere.
      if (error === undefined) return left();
      fail(error);
    });
  };

  const join = (token?: string): void => {
    stopRetry();
    attempt.abort();
    attempt = new AbortController();
    const { signal: aborted } = attempt;
    // A try that repeats by itself leaves its reason on the screen until it succeeds.
    const isRepeat = state.peek().kind === 'out' && token === undefined;
    const onStep = (step: StartStep): void => {
      if (!aborted.aborted && !isRepeat) state.value = { kind: 'joining', step };
    };
    onStep('store');
    const start = ports.start({
      workers: workers.peek(),
      signal: aborted,
      onStep,
      onFrozen: (error) => {
        if (!aborted.aborted) fail(error);
      },
      ...(token === undefined ? {} : { token }),
    });
    start.then(
      (member) => {
        if (aborted.aborted) return void member.mesh.leave({ handOver: false });
        batch(() => {
          state.value = { kind: 'joined', mesh: member.mesh, store: member.store };
          name.value = member.mesh.name;
          rememberName = (next) => member.rememberName(next);
          watch(member.mesh);
        });
        return undefined;
      },
      (error: unknown) => {
        if (!aborted.aborted) fail(error);
      },
    );
  };

  /** Runs a button's action; what it rejects with is shown beside the buttons. */
  const attempted = async (action: (joined: Mesh) => Promise<void>): Promise<void> => {
    const joined = mesh.peek();
    if (joined === undefined) return;
    complaint.value = undefined;
    try {
      await action(joined);
    } catch (error) {
      complaint.value = error instanceof Error ? error.message : String(error);
    }
  };

  return {
    state,
    status,
    mesh,
    name,
    workers,
    isPaused,
    complaint,
    join,
    leave: () =>
      attempted(async (joined) => {
        const current = state.peek();
        if (current.kind !== 'joined') return;
        leaving = new AbortController();
        state.value = { ...current, kind: 'leaving', slotsAtStart: copiesHere(joined) };
        try {
          await joined.leave({ handOver: true, signal: leaving.signal });
          left();
        } catch (error) {
          state.value = current;
          if (!isMeshError(error) || error.code !== 'aborted') throw error;
        }
      }),
    stopLeaving: () => leaving.abort(),
    pause: (paused) => attempted((joined) => joined.pause(paused)),
    rename: async (next) => {
      const trimmed = next.trim().slice(0, limits.nameChars);
      if (trimmed === '' || trimmed === name.peek()) return;
      await attempted(async (joined) => {
        await joined.rename(trimmed);
        name.value = trimmed;
        rememberName(trimmed);
      });
    },
    setWorkers: async (count) => {
      workers.value = Math.min(Math.max(Math.round(count), 1), limits.workersMax);
      await attempted((joined) => joined.setWorkers(workers.peek()));
    },
  };
}

function copiesHere(mesh: Mesh): number {
  return mesh.status().members.find(({ self }) => self)?.copies ?? 0;
}

function storedWorkers({ memory, processors }: PagePorts): number {
  const stored = Number(memory.get('workers'));
  if (Number.isInteger(stored) && stored >= 1 && stored <= limits.workersMax) return stored;
  return Math.min(Math.max(processors - 1, 1), limits.workersMax);
}
