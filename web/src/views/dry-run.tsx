// What the function does to the first rows, as it is typed.

import { useMemo } from 'preact/hooks';
import type { App } from '../model/app.ts';
import type { DryRunState } from '../model/dry-run.ts';
import { formatCell, formatLogged, prettyJson } from '../model/format.ts';
import { type RowSource, rowsAtHand } from '../model/result-rows.ts';
import { ValueTable } from '../widgets/value-table.tsx';

export function DryRunPanel({ app }: { readonly app: App }) {
  const state = app.dryRun.value;
  return (
    <div class="dry-run" aria-label="On the first rows" role="region">
      <h3 class="row spread">
        <span>On the first rows</span>
        <span class="tiny soft" role="status">
          {state.kind === 'rows' || state.kind === 'value' ? 'tried here, not on the mesh' : ''}
        </span>
      </h3>
      <Outcome state={state} hasRows={app.datasets.preview.value !== undefined} />
    </div>
  );
}

function Outcome({ state, hasRows }: { readonly state: DryRunState; readonly hasRows: boolean }) {
  switch (state.kind) {
    case 'idle':
      return (
        <p class="soft small empty">
          {hasRows ? '\u00a0' : 'Once a dataset is there, the function is tried on its first rows as you type.'}
        </p>
      );
    case 'running':
      return <p class="soft small empty">Trying…</p>;
    case 'failed':
      return (
        <>
          <p class="bad-box small" role="alert">
            {state.failure.line === undefined ? '' : <b>{`Line ${state.failure.line}: `}</b>}
            {state.failure.message}
            {state.failure.rowNumber === undefined ? (
              ''
            ) : (
              <span class="soft">{` (row ${state.failure.rowNumber})`}</span>
            )}
          </p>
          <Printed logs={state.logs} />
        </>
      );
    case 'rows':
      return (
        <>
          <DryRows rows={state.rows} />
          <Printed logs={state.logs} />
        </>
      );
    case 'value':
      return (
        <>
          <pre class="value small" tabIndex={0} aria-label="Value">
            {prettyJson(state.value)}
          </pre>
          <Printed logs={state.logs} />
        </>
      );
  }
}

function DryRows({ rows }: { readonly rows: readonly Readonly<Record<string, unknown>>[] }) {
  const source = useMemo(() => rowsAtHand(columnsOf(rows), rows), [rows]);
  if (rows.length === 0) return <p class="soft small empty">None of the first rows is left.</p>;
  return <ValueTable source={source} label="Result on the first rows" />;
}

function Printed({ logs }: { readonly logs: readonly { readonly values: readonly unknown[] }[] }) {
  if (logs.length === 0) return null;
  return (
    <pre class="printed tiny">{logs.slice(0, 20).map(({ values }) => `${values.map(formatLogged).join(' ')}\n`)}</pre>
  );
}

function columnsOf(rows: readonly Readonly<Record<string, unknown>>[]): RowSource['columns'] {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  return [...names].map((name) => {
    const known = rows.find((row) => row[name] !== null && row[name] !== undefined)?.[name];
    return { name, type: typeof known === 'number' ? 'float' : formatCell(known) === known ? 'string' : 'json' };
  });
}
