// Data: bring a file or a sample in, see what is there and where it lies.

import { useRef, useState } from 'preact/hooks';
import type { App } from '../model/app.ts';
import { SAMPLE_FILES } from '../samples/sample-files.ts';
import { DatasetDetail } from './dataset-detail.tsx';
import { DatasetList } from './dataset-list.tsx';
import { LoadLine } from './load-line.tsx';

export function DataCard({ app }: { readonly app: App }) {
  const { loads, session } = app;
  const picker = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const canLoad = session.state.value.kind === 'joined' && loads.state.value.kind !== 'loading';
  const chosen = app.draft.dataset.value;

  const take = (files: FileList | null | undefined): void => {
    const file = files?.[0];
    if (file !== undefined && canLoad) void loads.load({ kind: 'file', file });
  };

  return (
    <section
      class="card data"
      aria-labelledby="data-title"
      data-over={isOver}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
    >
      <header>
        <h2 id="data-title">Data</h2>
        <div class="push wrap">
          <span class="soft small wide-only">Drop a file here, or</span>
          <button type="button" class="tight" disabled={!canLoad} onClick={() => picker.current?.click()}>
            Choose a file…
          </button>
          <input
            ref={picker}
            class="hidden-text"
            type="file"
            tabIndex={-1}
            aria-label="File to load"
            accept=".csv,.tsv,.json,.ndjson,.jsonl,.txt,.log,.md,text/*,application/json"
            onChange={(event) => {
              take(event.currentTarget.files);
              event.currentTarget.value = '';
            }}
          />
        </div>
      </header>
      <div class="body">
        <div class="row wrap samples">
          <span class="small soft">Samples:</span>
          {SAMPLE_FILES.map(({ file, name, about }) => (
            <button
              key={file}
              type="button"
              class="tight"
              title={about}
              disabled={!canLoad}
              onClick={() => void loads.load({ kind: 'sample', name: file })}
            >
              {name}
            </button>
          ))}
          <span class="small soft wide-only">CSV, NDJSON, a JSON array, or plain text lines.</span>
        </div>
        <LoadLine app={app} />
        <DatasetList app={app} />
        {chosen === '' ? null : <DatasetDetail app={app} name={chosen} />}
      </div>
    </section>
  );
}
