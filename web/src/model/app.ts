// The page without its looks: everything that the views draw, made from the page's ports.

import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type Datasets, createDatasets } from './datasets.ts';
import { createDraft, type Draft } from './draft.ts';
import { createDryRun, type DryRunState } from './dry-run.ts';
import { createJobs, type Jobs } from './jobs.ts';
import { createLoads, type Loads } from './loads.ts';
import type { PagePorts } from './ports.ts';
import { createRoster, type Roster } from './roster.ts';
import { createSession, type Session } from './session.ts';
import { createSlots, type Slots } from './slots.ts';

export type Theme = 'system' | 'light' | 'dark';

export interface App {
  readonly meshName: string;
  readonly session: Session;
  readonly roster: Roster;
  readonly slots: Slots;
  readonly datasets: Datasets;
  readonly loads: Loads;
  readonly draft: Draft;
  readonly dryRun: ReadonlySignal<DryRunState>;
  readonly jobs: Jobs;
  readonly theme: Signal<Theme>;
  /** The document's title: what goes on, readable from a tab strip. */
  readonly title: ReadonlySignal<string>;
  inviteLink(): string;
}

export function createApp(ports: PagePorts): App {
  const session = createSession(ports);
  const table = signal<(name: string) => ReturnType<Datasets['find']>>(() => undefined);
  const draft = createDraft(ports.memory, (name) => table.value(name));
  const datasets = createDatasets(ports, session, draft.dataset);
  table.value = datasets.find;
  const loads = createLoads(ports, session, { datasets, chosen: draft.dataset });
  const jobs = createJobs(ports, session, { draft, loads });
  const theme = signal(storedTheme(ports.memory.get('theme')));
  effect(() => ports.memory.set('theme', theme.value));

  return {
    meshName: ports.meshName,
    session,
    roster: createRoster(session.status),
    slots: createSlots(ports, session),
    datasets,
    loads,
    draft,
    dryRun: createDryRun(ports, { session, draft, datasets }),
    jobs,
    theme,
    title: computed(() => titleOf(ports.meshName, { session, loads, jobs })),
    inviteLink: () => ports.inviteLink(),
  };
}

function storedTheme(text: string | undefined): Theme {
  return text === 'light' || text === 'dark' ? text : 'system';
}

function titleOf(
  meshName: string,
  parts: { readonly session: Session; readonly loads: Loads; readonly jobs: Jobs },
): string {
  const place = meshName === 'main' ? 'Shoal' : `${meshName} · Shoal`;
  const job = parts.jobs.state.value;
  const load = parts.loads.state.value;
  if (job.kind === 'running' && job.progress !== undefined && job.progress.tasks > 0) {
    return `${Math.floor((job.progress.done / job.progress.tasks) * 100)} % · ${place}`;
  }
  if (job.kind === 'running' || job.kind === 'loading') return `running · ${place}`;
  if (load.kind === 'loading') return `loading ${load.name} · ${place}`;
  const state = parts.session.state.value;
  switch (state.kind) {
    case 'joining':
      return `joining · ${place}`;
    case 'joined':
      return parts.session.isPaused.value ? `paused · ${place}` : place;
    case 'leaving':
      return `leaving · ${place}`;
    case 'left':
      return `left · ${place}`;
    case 'out':
      return `not a member · ${place}`;
  }
}
