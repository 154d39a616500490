// What the function printed, with member and line.

import type { App } from '../model/app.ts';
import { formatCount, formatLogged, plural } from '../model/format.ts';
import type { LogLine } from '../model/jobs.ts';

const SHOWN = 1_000;

export function Logs({ app }: { readonly app: App }) {
  const logs = app.jobs.logs.value;
  const job = app.jobs.state.value;
  const dropped = app.jobs.droppedLogs.value + (job.kind === 'done' ? job.result.droppedLogLines : 0);
  if (logs.length === 0 && dropped === 0) return null;
  return (
    <details class="logs" open>
      <summary class="small">
        {plural(logs.length, 'line')} printed
        {dropped === 0 ? '' : <span class="warn">{` · ${formatCount(dropped)} more not kept`}</span>}
      </summary>
      <div class="log-lines" tabIndex={0} role="log" aria-label="Printed lines">
        {logs.slice(0, SHOWN).map((line, index) => (
          <Line key={index} line={line} hue={app.roster.hueOf(line.member)} />
        ))}
      </div>
    </details>
  );
}

function Line({ line, hue }: { readonly line: LogLine; readonly hue: number }) {
  return (
    <div class="log-line" data-level={line.level} data-hue={hue}>
      <span class="log-from clip" title={line.memberName}>
        {line.memberName}
        {line.line === undefined ? '' : <span class="soft">:{line.line}</span>}
      </span>
      <span class="log-text">{line.values.map(formatLogged).join(' ')}</span>
    </div>
  );
}
