// The job: how far each member is, by its task records, then the answer or what went wrong.

import { useEffect, useRef } from 'preact/hooks';
import type { App } from '../model/app.ts';
import { formatCount, formatDuration, plural } from '../model/format.ts';
import type { JobProgress, JobState, UdfFailure } from '../model/jobs.ts';
import { FailureFacts } from './failure-facts.tsx';
import { Logs } from './logs.tsx';
import { ResultView } from './result.tsx';

export function JobPanel({ app }: { readonly app: App }) {
  const state = app.jobs.state.value;
  const panel = useRef<HTMLDivElement>(null);
  const isUnderWay = state.kind === 'running' || state.kind === 'loading';
  // Who pressed Run wants to see how it goes.
  useEffect(() => {
    if (isUnderWay || state.kind === 'done') panel.current?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  }, [isUnderWay, state.kind]);
  return (
    <div ref={panel} class="job" data-job={state.kind}>
      <Body app={app} state={state} />
      <Logs app={app} />
    </div>
  );
}

function Body({ app, state }: { readonly app: App; readonly state: JobState }) {
  switch (state.kind) {
    case 'idle':
      return (
        <p class="soft small empty">
          One task for each chunk goes to the member that holds it; nothing is moved to this tab. A job ends with this
          tab.
        </p>
      );
    case 'loading':
      return (
        <p class="small" role="status">
          Loading the sample first…
        </p>
      );
    case 'running':
      return <Progress progress={state.progress} hueOf={app.roster.hueOf} />;
    case 'cancelled':
      return (
        <p class="small warn-box" role="status">
          Cancelled after {formatDuration(state.tookMs)}. What ran on the members was ended.
        </p>
      );
    case 'failed':
      return <Failed message={state.failure.message ?? state.message} failure={state.failure} />;
    case 'done':
      return <ResultView state={state} hueOf={app.roster.hueOf} />;
  }
}

function Progress({
  progress,
  hueOf,
}: {
  readonly progress: JobProgress | undefined;
  readonly hueOf: (member: string) => number;
}) {
  const done = progress?.done ?? 0;
  const tasks = progress?.tasks ?? 0;
  return (
    <div class="stack">
      <div class="row small spread">
        <span class="figures" role="status">
          {tasks === 0 ? 'Sending…' : `${formatCount(done)} of ${plural(tasks, 'task')} done`}
        </span>
        <span class="soft tiny">A job ends with this tab.</span>
      </div>
      <progress max={1} {...(tasks === 0 ? {} : { value: done / tasks })} aria-label="Tasks done" />
      <ul class="job-members" aria-label="Progress of each member">
        {(progress?.members ?? []).map((member) => (
          <li key={member.member} data-hue={hueOf(member.member)}>
            <span class="dot" aria-hidden="true" />
            <span class="clip">{member.name}</span>
            <span class="share-bar" aria-hidden="true">
              <span style={{ inlineSize: `${member.tasks === 0 ? 0 : (member.done / member.tasks) * 100}%` }} />
            </span>
            <span class="small figures">
              {formatCount(member.done)}/{formatCount(member.tasks)} · {plural(member.rows, 'row')}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Failed({ message, failure }: { readonly message: string; readonly failure: Partial<UdfFailure> }) {
  return (
    <div class="bad-box stack" role="alert">
      <p>
        <b>{message}</b>
      </p>
      <FailureFacts failure={failure} />
    </div>
  );
}
