// The chosen dataset: its columns with their types and gaps, and its first rows.

import { useMemo } from 'preact/hooks';
import type { App } from '../model/app.ts';
import type { DatasetInfo } from '../model/datasets.ts';
import { formatCount, plural } from '../model/format.ts';
import { rowsAtHand } from '../model/result-rows.ts';
import { ValueTable } from '../widgets/value-table.tsx';

export function DatasetDetail({ app, name }: { readonly app: App; readonly name: string }) {
  const info = app.datasets.find(name);
  const preview = app.datasets.preview.value;
  const rows = preview?.dataset === name ? preview.rows : undefined;
  const source = useMemo(
    () => (info === undefined || rows === undefined ? undefined : rowsAtHand(info.columns, rows)),
    [info, rows],
  );
  if (info === undefined) return null;
  return (
    <div class="dataset-detail">
      <Columns app={app} info={info} />
      <div class="preview">
        {source === undefined ? (
          <p class="soft small empty">Reading the first rows…</p>
        ) : (
          <ValueTable source={source} label={`First rows of ${name}`} />
        )}
      </div>
    </div>
  );
}

function Columns({ app, info }: { readonly app: App; readonly info: DatasetInfo }) {
  return (
    <div class="columns-list">
      <h3>
        {plural(info.columns.length, 'column')}
        {info.brokenLines === 0 ? null : (
          <span class="warn">{` · ${plural(info.brokenLines, 'line')} could not be read, first line ${formatCount(info.firstBrokenLine ?? 0)}`}</span>
        )}
      </h3>
      <ul aria-label={`Columns of ${info.name}`}>
        {info.columns.map((column) => (
          <li key={column.name}>
            <span class="clip" title={column.name}>
              {column.name}
            </span>
            {column.type === 'string' ? <span /> : <AsText app={app} info={info} column={column.name} />}
            <code class="type" data-type={column.type}>
              {column.type}
            </code>
            {column.missing === 0 && column.unfit === 0 ? null : (
              <span class="tiny soft figures gaps">
                {column.missing === 0 ? '' : `${formatCount(column.missing)} missing`}
                {column.unfit === 0 ? null : (
                  <span class="warn">{` · ${formatCount(column.unfit)} unfit, first line ${formatCount(column.firstUnfitLine ?? 0)}`}</span>
                )}
              </span>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function AsText({ app, info, column }: { readonly app: App; readonly info: DatasetInfo; readonly column: string }) {
  const hasFile = app.loads.hasFile(info.name);
  return (
    <button
      type="button"
      class="link tiny as-text"
      disabled={!hasFile || app.loads.state.value.kind === 'loading'}
      title={
        hasFile
          ? `Load ${info.name} again with ${column} as text`
          : 'Choose the file again first: this page no longer has it'
      }
      onClick={() => void app.loads.loadAsText(info.name, column)}
    >
      load as text
    </button>
  );
}
