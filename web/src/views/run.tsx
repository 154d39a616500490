// Run: write a function, see what it does to the first rows, run it where the data is.

import type { App } from '../model/app.ts';
import { EXAMPLE_KINDS, type ExampleKind } from '../samples/examples.ts';
import { CodeEditor, type Finding } from '../widgets/code-editor.tsx';
import { DryRunPanel } from './dry-run.tsx';
import { JobPanel } from './job.tsx';
import { RunBar } from './run-bar.tsx';

export function RunCard({ app }: { readonly app: App }) {
  const { draft, jobs } = app;
  const columns = app.datasets.find(draft.dataset.value)?.columns.map(({ name }) => name) ?? [];
  return (
    <section class="card run" aria-labelledby="run-title">
      <header>
        <h2 id="run-title">Run</h2>
        <Kinds app={app} />
        <div class="push">
          {draft.isOwn.value ? (
            <button
              type="button"
              class="tight plain"
              title="Give up this text and take the example that fits the dataset"
              onClick={() => draft.reset()}
            >
              Back to the example
            </button>
          ) : null}
        </div>
      </header>
      <div class="bench">
        <CodeEditor
          value={draft.source.value}
          label="Function, TypeScript"
          findings={findingsOf(app)}
          columns={columns}
          onInput={(source) => draft.write(source)}
          onRun={() => void jobs.run()}
        />
        <DryRunPanel app={app} />
      </div>
      <RunBar app={app} />
      <JobPanel app={app} />
    </section>
  );
}

const KIND_WORDS: Readonly<Record<ExampleKind, string>> = { map: 'Map', filter: 'Filter', aggregate: 'Aggregate' };

function Kinds({ app }: { readonly app: App }) {
  return (
    <div class="segments" role="group" aria-label="Example">
      {EXAMPLE_KINDS.map((kind) => (
        <button
          key={kind}
          type="button"
          class="tight"
          aria-pressed={app.draft.kind.value === kind}
          onClick={() => (app.draft.kind.value = kind)}
        >
          {KIND_WORDS[kind]}
        </button>
      ))}
    </div>
  );
}

/** What the dry run found, and where the last job failed as long as its text stands. */
function findingsOf(app: App): readonly Finding[] {
  const dry = app.dryRun.value;
  const job = app.jobs.state.value;
  const findings: Finding[] = [];
  if (dry.kind === 'failed') findings.push({ severity: 'error', ...dry.failure });
  if (
    job.kind === 'failed' &&
    job.failure.line !== undefined &&
    job.source === app.draft.source.value &&
    dry.kind !== 'failed'
  ) {
    findings.push({
      message: job.failure.message ?? job.message,
      line: job.failure.line,
      severity: 'error',
      ...(job.failure.column === undefined ? {} : { column: job.failure.column }),
    });
  }
  return findings;
}
