// The parts of the membership card: what is given, how it is stored, and the ways out.

import { useEffect } from 'preact/hooks';
import { formatBytes, plural } from '../model/format.ts';
import { type Session, WORKERS_MAX } from '../model/session.ts';

export function WorkersField({ session }: { readonly session: Session }) {
  const count = session.workers.value;
  return (
    <span class="stepper" role="group" aria-labelledby="workers-label">
      <button
        type="button"
        class="tight"
        aria-label="One worker less"
        disabled={count <= 1}
        onClick={() => void session.setWorkers(count - 1)}
      >
        −
      </button>
      <output class="figures">{count}</output>
      <button
        type="button"
        class="tight"
        aria-label="One worker more"
        disabled={count >= WORKERS_MAX}
        onClick={() => void session.setWorkers(count + 1)}
      >
        +
      </button>
    </span>
  );
}

export function StoreWording({ session }: { readonly session: Session }) {
  const state = session.state.value;
  const status = session.status.value;
  if (state.kind !== 'joined' && state.kind !== 'leaving') return <>–</>;
  if (state.store.kind === 'memory') {
    return (
      <span class="warn" title={state.store.refusal}>
        memory only: this browser refused storage, so what is here ends with the tab. Allow site data to keep it.
      </span>
    );
  }
  const aside = status?.store.asideRecords ?? 0;
  return (
    <span title="Writes are given to the operating system before they are acknowledged: relaxed durability">
      relaxed: outlives the browser, not the power
      {aside === 0 ? null : (
        <span class="warn">{` · ${plural(aside, 'old value')} kept aside (${formatBytes(status?.store.asideBytes ?? 0)})`}</span>
      )}
    </span>
  );
}

export function Buttons({ session, isIn }: { readonly session: Session; readonly isIn: boolean }) {
  const isPaused = session.isPaused.value;
  return (
    <div class="row">
      <button
        type="button"
        class="grow"
        disabled={!isIn}
        aria-pressed={isPaused}
        title={isPaused ? 'Take tasks again' : 'Take no tasks; go on serving what is stored here'}
        onClick={() => void session.pause(!isPaused)}
      >
        {isPaused ? 'Resume' : 'Pause'}
      </button>
      <button
        type="button"
        class="grow"
        disabled={!isIn}
        title="Hand everything over to the others, then leave"
        onClick={() => void session.leave()}
      >
        Leave
      </button>
    </div>
  );
}

export function Leaving({ session }: { readonly session: Session }) {
  const state = session.state.value;
  const left = session.status.value?.leaving?.slotsLeft ?? session.status.value?.store.owned ?? 0;
  const total = state.kind === 'leaving' ? Math.max(state.slotsAtStart, left, 1) : 1;
  // A tab closed now would take along what is not handed over yet.
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, []);
  return (
    <div class="stack" role="status">
      <p class="small">
        Handing over: <span class="figures">{plural(left, 'slot')}</span> left
      </p>
      <progress max={total} value={total - left} aria-label="Handed over" />
      <div>
        <button type="button" class="tight" onClick={() => session.stopLeaving()}>
          Stay
        </button>
      </div>
    </div>
  );
}
