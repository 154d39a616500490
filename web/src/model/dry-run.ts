// Runs the function on the first rows while it is being typed, here and in the cage: what comes out,
// or what is wrong and at which line.

import { isMeshError, toMeshError } from '@shoal/shared';
import { effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Datasets } from './datasets.ts';
import type { Draft } from './draft.ts';
import type { DryRunAnswer, PagePorts } from './ports.ts';
import type { Session } from './session.ts';

export type DryRunState = { readonly kind: 'idle' } | { readonly kind: 'running' } | DryRunAnswer;

const TYPING_MS = 350;

export function createDryRun(
  ports: PagePorts,
  deps: { readonly session: Session; readonly draft: Draft; readonly datasets: Datasets },
): ReadonlySignal<DryRunState> {
  const { session, draft, datasets } = deps;
  const state = signal<DryRunState>({ kind: 'idle' });

  effect(() => {
    const mesh = session.mesh.value;
    const source = draft.source.value;
    const params = draft.params.value;
    const rows = datasets.preview.value?.rows ?? [];
    if (mesh === undefined || datasets.list.value === undefined || params.kind === 'wrong') {
      state.value = { kind: 'idle' };
      return undefined;
    }
    const ended = new AbortController();
    const stop = ports.clock.setTimer(() => {
      if (state.peek().kind === 'idle' && rows.length > 0) state.value = { kind: 'running' };
      const asked = ports.dryRun(mesh, {
        source,
        rows,
        params: params.kind === 'json' ? params.value : undefined,
        signal: ended.signal,
      });
      asked.then(
        (answer) => {
          // Without rows only what is wrong with the text itself counts. And whatever Run needs is loaded by now.
          if (!ended.signal.aborted) state.value = rows.length === 0 ? { kind: 'idle' } : answer;
        },
        (error: unknown) => {
          if (!ended.signal.aborted) state.value = failedAnswer(error);
        },
      );
    }, TYPING_MS);
    return () => {
      stop();
      ended.abort();
    };
  });

  return state;
}

function failedAnswer(error: unknown): DryRunAnswer {
  const { message, detail } = toMeshError(error);
  const line = isMeshError(error) && typeof detail['line'] === 'number' ? { line: detail['line'] } : {};
  const column = isMeshError(error) && typeof detail['column'] === 'number' ? { column: detail['column'] } : {};
  // The line is shown beside it.
  const text = message.replace(/^udf\.ts, line \d+: /, '');
  return { kind: 'failed', failure: { message: text, ...line, ...column }, logs: [] };
}
