// Where a function failed: line, row and member, and the row itself.

import { formatCount, prettyJson } from '../model/format.ts';
import type { UdfFailure } from '../model/jobs.ts';

export function FailureFacts({ failure }: { readonly failure: Partial<UdfFailure> }) {
  const place = [
    failure.line === undefined ? '' : `line ${failure.line}${failure.column === undefined ? '' : `:${failure.column}`}`,
    failure.rowNumber === undefined ? '' : `row ${formatCount(failure.rowNumber)}`,
    failure.memberName === undefined ? '' : `on ${failure.memberName}`,
  ].filter((part) => part !== '');
  return (
    <>
      {place.length === 0 ? null : <p class="small soft">{place.join(' · ')}</p>}
      {failure.row === undefined ? null : (
        <pre class="small value" tabIndex={0} aria-label="The row">
          {prettyJson(failure.row)}
        </pre>
      )}
    </>
  );
}
