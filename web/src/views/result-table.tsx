// A result that is a table: scrolled to its last row, sorted, downloaded.

import { useState } from 'preact/hooks';
import { formatCount } from '../model/format.ts';
import type { DownloadFormat, ResultRows } from '../model/result-rows.ts';
import { saveText } from '../widgets/save-text.ts';
import { ValueTable } from '../widgets/value-table.tsx';

export function ResultTableView({ rows }: { readonly rows: ResultRows }) {
  const sort = rows.sort.value;
  return (
    <div class="result-table" data-rows={rows.rowCount}>
      {rows.rowCount === 0 ? (
        <p class="soft small empty">No row is left.</p>
      ) : (
        <ValueTable
          source={rows}
          label="Result"
          sortedBy={sort.kind === 'sorted' ? sort : undefined}
          onSort={(column) => void rows.sortBy(column)}
        />
      )}
    </div>
  );
}

type Saving =
  | { readonly kind: 'no' }
  | { readonly kind: 'saving'; readonly abort: AbortController }
  | { readonly kind: 'failed'; readonly message: string };

export function TableBar({ rows, name }: { readonly rows: ResultRows; readonly name: string }) {
  const [saving, setSaving] = useState<Saving>({ kind: 'no' });
  const sort = rows.sort.value;

  const save = async (format: DownloadFormat): Promise<void> => {
    const abort = new AbortController();
    setSaving({ kind: 'saving', abort });
    try {
      await saveText(`${name}-result.${format}`, rows.download(format, abort.signal));
      setSaving({ kind: 'no' });
    } catch (error) {
      setSaving(
        abort.signal.aborted
          ? { kind: 'no' }
          : { kind: 'failed', message: error instanceof Error ? error.message : String(error) },
      );
    }
  };

  return (
    <div class="row wrap small">
      <span class="soft figures" role="status">
        {sort.kind === 'fetching'
          ? `Fetching to sort: ${formatCount(sort.done)} of ${formatCount(rows.rowCount)}…`
          : ''}
        {sort.kind === 'failed' ? <span class="bad">{sort.message}</span> : null}
        {saving.kind === 'failed' ? <span class="bad">{saving.message}</span> : null}
      </span>
      {saving.kind === 'saving' ? (
        <button type="button" class="tight" onClick={() => saving.abort.abort()}>
          Cancel the download
        </button>
      ) : (
        <>
          <button type="button" class="tight" onClick={() => void save('csv')}>
            CSV
          </button>
          <button type="button" class="tight" onClick={() => void save('ndjson')}>
            NDJSON
          </button>
        </>
      )}
    </div>
  );
}
