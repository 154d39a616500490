// A job's answer: a table or a value, the time it took, and who computed how much of it.

import { useMemo } from 'preact/hooks';
import { formatCount, formatDuration, plural, prettyJson } from '../model/format.ts';
import type { JobState, TaskRecord } from '../model/jobs.ts';
import { type RowSource, rowsAtHand } from '../model/result-rows.ts';
import { FailureFacts } from './failure-facts.tsx';
import { ResultTableView, TableBar } from './result-table.tsx';
import { ValueTable } from '../widgets/value-table.tsx';

type Done = Extract<JobState, { kind: 'done' }>;

export function ResultView({ state, hueOf }: { readonly state: Done; readonly hueOf: (member: string) => number }) {
  const { result, rows } = state;
  const { output } = result;
  const size = output.kind === 'table' ? plural(output.table.rowCount, 'row') : 'a value';
  return (
    <div class="stack result">
      <div class="row wrap spread">
        <p role="status">
          <b>{size}</b> in <b class="figures">{formatDuration(result.tookMs)}</b>
          <span class="soft small">{` · ${plural(result.tasks.length, 'task')} on ${state.dataset}`}</span>
          {result.failedRows === 0 ? null : (
            <span class="warn small">{` · ${plural(result.failedRows, 'row')} threw and were skipped`}</span>
          )}
        </p>
        {rows === undefined ? null : <TableBar rows={rows} name={state.dataset} />}
      </div>
      <Shares tasks={result.tasks} hueOf={hueOf} />
      {rows === undefined ? (
        <ValueView value={output.kind === 'value' ? output.value : undefined} />
      ) : (
        <ResultTableView rows={rows} />
      )}
      {result.failures.length === 0 ? null : <Skipped failures={result.failures} />}
    </div>
  );
}

/** Who ran how many tasks, from the records. */
function Shares({
  tasks,
  hueOf,
}: {
  readonly tasks: readonly TaskRecord[];
  readonly hueOf: (member: string) => number;
}) {
  const members = new Map<string, { name: string; tasks: number; rows: number; workers: Set<number>; runMs: number }>();
  for (const task of tasks) {
    const sum = members.get(task.member) ?? {
      name: task.memberName,
      tasks: 0,
      rows: 0,
      workers: new Set<number>(),
      runMs: 0,
    };
    sum.tasks += 1;
    sum.rows += task.rowsIn;
    sum.runMs += task.runMs;
    sum.workers.add(task.worker);
    members.set(task.member, sum);
  }
  return (
    <ul class="row wrap shares small" aria-label="Who computed">
      {[...members].map(([id, { name, tasks: count, rows, workers, runMs }]) => (
        <li key={id} data-hue={hueOf(id)} class="row">
          <span class="dot" aria-hidden="true" />
          <span>
            {name}{' '}
            <span class="soft figures">{`${plural(count, 'task')}, ${plural(rows, 'row')}, ${plural(workers.size, 'worker')}, ${formatDuration(runMs)}`}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

/** A list of plain objects reads best as a table; anything else as JSON. */
function ValueView({ value }: { readonly value: unknown }) {
  const source = useMemo(() => tableOf(value), [value]);
  const text = useMemo(() => prettyJson(value), [value]);
  return (
    <>
      {source === undefined ? null : (
        <div class="result-table small-table">
          <ValueTable source={source} label="Value as a table" />
        </div>
      )}
      <details open={source === undefined}>
        <summary class="small">JSON</summary>
        <pre class="value" tabIndex={0} aria-label="Value">
          {text.length > 200_000
            ? `${text.slice(0, 200_000)}\n… ${formatCount(text.length - 200_000)} characters more`
            : text}
        </pre>
      </details>
    </>
  );
}

function tableOf(value: unknown): RowSource | undefined {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isRecord)) return undefined;
  const names = [...new Set(value.flatMap((row) => Object.keys(row)))];
  if (names.length > 40) return undefined;
  const columns = names.map((name) => ({
    name,
    type: value.every((row) => row[name] === null || typeof row[name] === 'number') ? 'float' : 'string',
  }));
  return rowsAtHand(columns, value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function Skipped({ failures }: { readonly failures: Done['result']['failures'] }) {
  return (
    <details class="skipped">
      <summary class="small warn">The first {plural(failures.length, 'row')} that threw</summary>
      <ul class="stack">
        {failures.map((failure, index) => (
          <li key={index} class="stack small">
            <b>{failure.message}</b>
            <FailureFacts failure={failure} />
          </li>
        ))}
      </ul>
    </details>
  );
}
