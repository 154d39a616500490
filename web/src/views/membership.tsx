// What this tab is in the mesh and what it gives, with the ways to pause and to leave.

import { useEffect } from 'preact/hooks';
import type { App } from '../model/app.ts';
import { formatBytes, formatShare, plural } from '../model/format.ts';
import { NAME_CHARS, type Session, WORKERS_MAX } from '../model/session.ts';
import { EditableText } from '../widgets/editable-text.tsx';

const STEPS = { store: 'Opening the store…', registrar: 'Reaching the server…', admission: 'Joining…' } as const;

export function Membership({ app }: { readonly app: App }) {
  const { session, roster } = app;
  const state = session.state.value;
  const self = roster.members.value.find((member) => member.isSelf);
  const isIn = state.kind === 'joined';
  return (
    <section class="card membership" aria-labelledby="membership-title">
      <header>
        <h2 id="membership-title">This tab</h2>
        <span class="push small soft" role="status">
          {state.kind === 'joining'
            ? STEPS[state.step]
            : state.kind === 'leaving'
              ? 'leaving'
              : session.isPaused.value
                ? 'paused'
                : 'member'}
        </span>
      </header>
      <div class="body">
        <div class="row">
          <span class="dot" data-hue={self?.hue ?? 0} aria-hidden="true" />
          <EditableText
            value={session.name.value}
            label="Name of this member"
            maxLength={NAME_CHARS}
            isDisabled={!isIn}
            onChange={(name) => void session.rename(name)}
          />
          <code class="soft short-id" title={self?.id}>
            {self?.shortId ?? '········'}
          </code>
        </div>
        <dl class="facts">
          <dt>Kind</dt>
          <dd>tab</dd>
          <dt>Holds</dt>
          <dd class="figures">
            {self === undefined
              ? '–'
              : `${plural(self.slots, 'slot')} · ${formatShare(self.slots, roster.slotCount.value)}`}
          </dd>
          <dt id="workers-label">Workers</dt>
          <dd>
            <WorkersField session={session} />
          </dd>
          <dt>Store</dt>
          <dd class="store">
            <StoreWording session={session} />
          </dd>
        </dl>
        {state.kind === 'leaving' ? <Leaving session={session} /> : <Buttons session={session} isIn={isIn} />}
        {session.complaint.value === undefined ? null : (
          <p class="small bad" role="alert">
            {session.complaint.value}
          </p>
        )}
      </div>
    </section>
  );
}

function WorkersField({ session }: { readonly session: Session }) {
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

function StoreWording({ session }: { readonly session: Session }) {
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

function Buttons({ session, isIn }: { readonly session: Session; readonly isIn: boolean }) {
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

function Leaving({ session }: { readonly session: Session }) {
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
