// Whose each slot is and how safe it is, at a glance and one by one.

import type { App } from '../model/app.ts';
import { formatCount } from '../model/format.ts';
import { describeSlot, runAround, type Health } from '../model/slots.ts';
import { SlotMap } from '../widgets/slot-map.tsx';

const FORMS = { whole: 'full', degraded: 'half', moving: 'holed', lost: 'struck' } as const;
const KINDS = ['whole', 'degraded', 'moving', 'lost'] as const satisfies readonly Health[];
const MEANINGS: Readonly<Record<Health, string>> = {
  whole: 'As many copies as there should be',
  degraded: 'Fewer copies are here than there should be',
  moving: 'On its way to other members, or being made equal',
  lost: 'Nobody who has it is here: requests wait, then fail',
};

export function SlotsCard({ app }: { readonly app: App }) {
  const { slots, roster, session } = app;
  const cells = slots.cells.value;
  const health = slots.health.value;
  const copies = session.status.value?.replicas ?? 1;
  const summary = KINDS.filter((kind) => health[kind] > 0).map((kind) => `${formatCount(health[kind])} ${kind}`);
  return (
    <section class="card" aria-labelledby="slots-title">
      <header>
        <h2 id="slots-title">Slots</h2>
        <span class="push figures soft small">
          {cells.length === 0 ? '' : `${formatCount(cells.length)} · ${copies === 1 ? 'one copy' : `${copies} copies`}`}
        </span>
      </header>
      {cells.length === 0 ? (
        <p class="soft small body">Not joined yet.</p>
      ) : (
        <div class="body">
          <SlotMap
            cells={cells.map((cell) => ({ hue: roster.hueOf(cell.owner), form: FORMS[cell.health] }))}
            label={`Slots by owner and health: ${summary.join(', ')}`}
            describe={(index) => describeSlot(cells, index, slots.nameOf)}
            nextRun={(index, direction) => {
              const { first, last } = runAround(cells, index);
              return direction > 0
                ? Math.min(last + 1, cells.length - 1)
                : runAround(cells, Math.max(first - 1, 0)).first;
            }}
          />
          <ul class="slot-legend small" aria-label="Slots by health">
            {KINDS.map((kind) => (
              <li key={kind} data-health={kind} data-none={health[kind] === 0} title={MEANINGS[kind]}>
                <span class="slot-swatch" aria-hidden="true" />
                <span class="figures">{formatCount(health[kind])}</span> {kind}
              </li>
            ))}
          </ul>
          <div role="status">
            {slots.troubles.value.slice(0, MOST_TROUBLES).map(({ isLost, text }) => (
              <p key={text} class={`small ${isLost ? 'bad' : 'warn'}`}>
                {text}
              </p>
            ))}
          </div>
        </div>
      )}
    </section>
  );
}

const MOST_TROUBLES = 3;
