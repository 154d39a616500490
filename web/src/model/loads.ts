// Loading one file at a time: its progress, its end, and the file itself for as long as the page is
// open, so that a column can be loaded again as text.

import type { DatasetInfo, LoadProgress } from '@shoal/peer';
import { isMeshError, limits } from '@shoal/shared';
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { SAMPLE_FILES } from '../samples/sample-files.ts';
import type { Datasets } from './datasets.ts';
import type { FileChoice, PagePorts } from './ports.ts';
import type { Session } from './session.ts';

export type LoadState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'loading'; readonly name: string; readonly progress: LoadProgress | undefined }
  | { readonly kind: 'loaded'; readonly info: DatasetInfo; readonly tookMs: number }
  /** A dataset of that name is there: replace it, or take another name. */
  | { readonly kind: 'exists'; readonly name: string; readonly choice: FileChoice }
  | { readonly kind: 'failed'; readonly name: string; readonly message: string };

export interface Loads {
  readonly state: ReadonlySignal<LoadState>;
  load(choice: FileChoice, options?: LoadChoice): Promise<DatasetInfo | undefined>;
  cancel(): void;
  dismiss(): void;
  /** Whether this page still has the file that the dataset was loaded from. */
  hasFile(dataset: string): boolean;
  loadAsText(dataset: string, column: string): Promise<void>;
}

export interface LoadChoice {
  readonly name?: string;
  readonly replace?: boolean;
  readonly textColumns?: readonly string[];
}

interface Loaded {
  readonly choice: FileChoice;
  readonly textColumns: readonly string[];
}

export function createLoads(
  ports: PagePorts,
  session: Session,
  deps: { readonly datasets: Datasets; readonly chosen: Signal<string> },
): Loads {
  const state = signal<LoadState>({ kind: 'idle' });
  const files = new Map<string, Loaded>();
  let running: AbortController | undefined;

  const load = async (choice: FileChoice, options: LoadChoice = {}): Promise<DatasetInfo | undefined> => {
    const mesh = session.mesh.peek();
    if (mesh === undefined || state.peek().kind === 'loading') return undefined;
    const name = options.name ?? nameOf(choice);
    const textColumns = options.textColumns ?? [];
    const startedMs = ports.clock.monotonicMs();
    running = new AbortController();
    state.value = { kind: 'loading', name, progress: undefined };
    try {
      const info = await ports.load(mesh, choice, {
        name,
        replace: options.replace ?? false,
        textColumns,
        signal: running.signal,
        onProgress: (progress) => {
          if (state.peek().kind === 'loading') state.value = { kind: 'loading', name, progress };
        },
      });
      files.set(name, { choice, textColumns });
      state.value = { kind: 'loaded', info, tookMs: ports.clock.monotonicMs() - startedMs };
      await deps.datasets.refresh();
      deps.chosen.value = name;
      return info;
    } catch (error) {
      if (running.signal.aborted) state.value = { kind: 'idle' };
      else if (isMeshError(error) && error.code === 'exists') state.value = { kind: 'exists', name, choice };
      else state.value = { kind: 'failed', name, message: error instanceof Error ? error.message : String(error) };
      return undefined;
    }
  };

  return {
    state,
    load,
    cancel: () => running?.abort(),
    dismiss: () => {
      if (state.peek().kind !== 'loading') state.value = { kind: 'idle' };
    },
    hasFile: (dataset) => files.has(dataset),
    loadAsText: async (dataset, column) => {
      const loaded = files.get(dataset);
      if (loaded === undefined) return;
      await load(loaded.choice, { name: dataset, replace: true, textColumns: [...loaded.textColumns, column] });
    },
  };
}

function nameOf(choice: FileChoice): string {
  if (choice.kind === 'sample') return SAMPLE_FILES.find(({ file }) => file === choice.name)?.name ?? choice.name;
  const stem = choice.file.name
    .replace(/\.[^.]*$/, '')
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[-._]+|-+$/g, '');
  return stem.slice(0, limits.nameChars) || 'table';
}
