// The datasets of the mesh, each with its size and with the members that hold it, as they say.

import { useState } from 'preact/hooks';
import type { App } from '../model/app.ts';
import type { DatasetInfo, Whereabout } from '../model/datasets.ts';
import { formatBytes, formatCount, plural } from '../model/format.ts';
import { Bar } from '../widgets/bar.tsx';

export function DatasetList({ app }: { readonly app: App }) {
  const { datasets, draft } = app;
  const list = datasets.list.value;
  const { complaint } = datasets;
  if (list === undefined || list.length === 0) {
    const text =
      list === undefined
        ? '\u00a0'
        : 'No dataset yet. A sample stands ready: Run loads flights-200k and computes on it.';
    return <p class={`small empty ${complaint.value === undefined ? 'soft' : 'warn'}`}>{complaint.value ?? text}</p>;
  }
  return (
    <div class="dataset-scroll">
      <table class="datasets">
        <thead>
          <tr>
            <th scope="col">Dataset</th>
            <th scope="col" class="figure">
              Rows
            </th>
            <th scope="col" class="figure">
              Size
            </th>
            <th scope="col">Lies on</th>
            <th scope="col">
              <span class="hidden-text">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((info) => (
            <DatasetRow key={info.name} app={app} info={info} isChosen={draft.dataset.value === info.name} />
          ))}
        </tbody>
      </table>
      {datasets.complaint.value === undefined ? null : <p class="small warn">{datasets.complaint.value}</p>}
    </div>
  );
}

function DatasetRow({
  app,
  info,
  isChosen,
}: {
  readonly app: App;
  readonly info: DatasetInfo;
  readonly isChosen: boolean;
}) {
  const [isAsking, setAsking] = useState(false);
  const { name } = info;
  return (
    <tr data-chosen={isChosen}>
      <th scope="row">
        <button
          type="button"
          class="choose clip"
          aria-pressed={isChosen}
          title={`${name}, from ${info.source}`}
          onClick={() => (app.draft.dataset.value = name)}
        >
          {name}
        </button>
      </th>
      <td class="figure">{formatCount(info.rowCount)}</td>
      <td class="figure">{formatBytes(info.sizeBytes)}</td>
      <td class="places">
        <Places places={app.datasets.whereabouts.value.get(name)} hueOf={app.roster.hueOf} />
      </td>
      <td class="actions">
        {isAsking ? (
          <span class="row">
            <button type="button" class="tight danger" onClick={() => void app.datasets.drop(name)}>
              Drop for everybody
            </button>
            <button type="button" class="tight" onClick={() => setAsking(false)}>
              Keep
            </button>
          </span>
        ) : (
          <button type="button" class="tight plain" aria-label={`Drop ${name}`} onClick={() => setAsking(true)}>
            Drop
          </button>
        )}
      </td>
    </tr>
  );
}

function Places({
  places,
  hueOf,
}: {
  readonly places: readonly Whereabout[] | undefined;
  readonly hueOf: (member: string) => number;
}) {
  if (places === undefined) return <span class="soft small">asking…</span>;
  const total = places.reduce((sum, { chunks }) => sum + chunks, 0);
  const words = places
    .map(({ name, chunks, bytes }) => `${name}: ${plural(chunks, 'chunk')}, ${formatBytes(bytes)}`)
    .join('; ');
  const parts = places.map(({ member, name, chunks }) => ({
    label: `${name}: ${plural(chunks, 'chunk')}`,
    hue: hueOf(member),
    share: total === 0 ? 0 : chunks / total,
  }));
  return (
    <span class="stack place" title={words}>
      <Bar parts={parts} label={words} />
      <span class="tiny soft clip">{places.map(({ name, chunks }) => `${name} ${chunks}`).join(' · ')}</span>
    </span>
  );
}
