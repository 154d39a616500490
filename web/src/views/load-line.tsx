// How a load goes: bytes read, rows, chunks; what to do about a name that is taken or a file that fails.

import { useState } from 'preact/hooks';
import type { App } from '../model/app.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../model/format.ts';
import type { Loads, LoadState } from '../model/loads.ts';

export function LoadLine({ app }: { readonly app: App }) {
  const { loads } = app;
  const state = loads.state.value;
  switch (state.kind) {
    case 'idle':
      return null;
    case 'loading':
      return <Loading state={state} loads={loads} />;
    case 'loaded':
      return (
        <div class="row wrap small" role="status">
          <span class="good" aria-hidden="true">
            ✓
          </span>
          <span>
            <b>{state.info.name}</b> loaded: {plural(state.info.rowCount, 'row')} in{' '}
            {plural(state.info.chunkCount, 'chunk')}, {formatDuration(state.tookMs)}
          </span>
          <button type="button" class="link small" onClick={() => loads.dismiss()}>
            dismiss
          </button>
        </div>
      );
    case 'exists':
      return <Exists state={state} loads={loads} />;
    case 'failed':
      return (
        <div class="bad-box row wrap" role="alert">
          <span class="grow">
            <b>{state.name}</b> was not loaded. {state.message}
          </span>
          <button type="button" class="tight" onClick={() => loads.dismiss()}>
            Dismiss
          </button>
        </div>
      );
  }
}

function Loading({ state, loads }: { readonly state: Extract<LoadState, { kind: 'loading' }>; readonly loads: Loads }) {
  const { progress } = state;
  return (
    <div class="stack load-progress">
      <div class="row small">
        <span class="grow clip figures">
          Loading <b>{state.name}</b>
          {progress === undefined
            ? '…'
            : `: ${formatBytes(progress.bytesRead)} of ${formatBytes(progress.sizeBytes)} · ${plural(progress.rows, 'row')} · ${plural(progress.chunksPut, 'chunk')} stored`}
        </span>
        <button type="button" class="tight" onClick={() => loads.cancel()}>
          Cancel
        </button>
      </div>
      <progress
        max={1}
        {...(progress === undefined
          ? {}
          : { value: progress.sizeBytes === 0 ? 1 : progress.bytesRead / progress.sizeBytes })}
        aria-label={`Loading ${state.name}`}
      />
      <span
        class="hidden-text"
        role="status"
      >{`Loading ${state.name}: ${formatCount(Math.floor(((progress?.bytesRead ?? 0) / Math.max(progress?.sizeBytes ?? 1, 1)) * 10) * 10)} percent`}</span>
    </div>
  );
}

function Exists({ state, loads }: { readonly state: Extract<LoadState, { kind: 'exists' }>; readonly loads: Loads }) {
  const [name, setName] = useState(`${state.name}-2`);
  return (
    <div class="warn-box row wrap" role="alert">
      <span class="grow">
        There is a dataset <b>{state.name}</b> already.
      </span>
      <button
        type="button"
        class="tight"
        onClick={() => void loads.load(state.choice, { name: state.name, replace: true })}
      >
        Replace it
      </button>
      <input
        type="text"
        class="tight-field"
        value={name}
        aria-label="Another name"
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <button
        type="button"
        class="tight"
        disabled={name.trim() === ''}
        onClick={() => void loads.load(state.choice, { name: name.trim() })}
      >
        Load under this name
      </button>
      <button type="button" class="tight" onClick={() => loads.dismiss()}>
        Cancel
      </button>
    </div>
  );
}
