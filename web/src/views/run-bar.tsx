// On which dataset, with which parameters, and the button.

import type { App } from '../model/app.ts';
import { formatDuration } from '../model/format.ts';

export function RunBar({ app }: { readonly app: App }) {
  const { draft, jobs, session } = app;
  const job = jobs.state.value;
  const isBusy = job.kind === 'running' || job.kind === 'loading';
  const params = draft.params.value;
  const canRun =
    session.state.value.kind === 'joined' &&
    !isBusy &&
    params.kind !== 'wrong' &&
    app.datasets.list.value !== undefined;
  return (
    <div class="run-bar">
      <label class="field">
        <span>on</span>
        <Choice app={app} />
      </label>
      <label class="field params">
        <span>params</span>
        <input
          type="text"
          class="mono grow"
          placeholder="JSON, optional"
          value={draft.paramsText.value}
          spellcheck={false}
          autocomplete="off"
          aria-invalid={params.kind === 'wrong'}
          aria-describedby="params-wrong"
          onInput={(event) => (draft.paramsText.value = event.currentTarget.value)}
        />
      </label>
      <label class="check" title="Count the rows that throw and show the first 20, instead of ending the job">
        <input
          type="checkbox"
          checked={draft.skipErrors.value}
          onChange={(event) => (draft.skipErrors.value = event.currentTarget.checked)}
        />
        skip errors
      </label>
      <span class="push row">
        <span class="small soft figures">{job.kind === 'running' ? formatDuration(jobs.elapsedMs.value) : ''}</span>
        {isBusy ? (
          <button type="button" class="danger run-button" onClick={() => jobs.cancel()}>
            Cancel
          </button>
        ) : (
          <button
            type="button"
            class="primary run-button"
            disabled={!canRun}
            title="Ctrl+Enter (⌘Enter)"
            onClick={() => void jobs.run()}
          >
            Run
          </button>
        )}
      </span>
      <p id="params-wrong" class="small bad params-wrong">
        {params.kind === 'wrong' ? `params is not JSON: ${params.message}` : ''}
      </p>
    </div>
  );
}

function Choice({ app }: { readonly app: App }) {
  const list = app.datasets.list.value ?? [];
  const { dataset } = app.draft;
  return (
    <select
      aria-label="Dataset"
      value={dataset.value}
      onChange={(event) => (dataset.value = event.currentTarget.value)}
    >
      {list.length === 0 ? <option value="">flights (sample, loaded on Run)</option> : null}
      {list.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
