// What this tab is in the mesh and what it gives, with the ways to pause and to leave.

import type { App } from '../model/app.ts';
import { formatShare, plural } from '../model/format.ts';
import { NAME_CHARS } from '../model/session.ts';
import { EditableText } from '../widgets/editable-text.tsx';
import { Buttons, Leaving, StoreWording, WorkersField } from './membership-parts.tsx';

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
