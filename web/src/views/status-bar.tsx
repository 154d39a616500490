// Figures at the bottom: the registrar, the epoch, the slots and whose they are.

import type { App } from '../model/app.ts';
import { formatCount } from '../model/format.ts';
import { SlotStrip } from '../widgets/slot-strip.tsx';

const REGISTRAR_WORDS = {
  connected: 'connected',
  connecting: 'connecting…',
  lost: 'lost, dialling again; what is stored goes on being served',
  refused: 'refused',
} as const;

export function StatusBar({ app }: { readonly app: App }) {
  const status = app.session.status.value;
  const registrar = status?.registrar;
  const shares = app.roster.members.value.filter(({ slots }) => slots > 0);
  return (
    <footer class="status" aria-label="Status">
      <span class="row" role="status">
        <span
          class="lamp"
          data-lamp={registrar === 'connected' ? 'good' : registrar === undefined ? 'off' : 'warn'}
          aria-hidden="true"
        />
        <span>
          Registrar <b>{registrar === undefined ? 'not connected' : REGISTRAR_WORDS[registrar]}</b>
        </span>
      </span>
      <span title={status === undefined ? undefined : `Term ${status.term}: starts of the registrar`}>
        Epoch <b>{status === undefined ? '–' : formatCount(status.epoch)}</b>
      </span>
      <span>
        Slots here <b>{status === undefined ? '–' : formatCount(status.store.owned)}</b>
        <span class="wide-only">{status === undefined ? '' : ` of ${formatCount(status.slots)}`}</span>
        {status !== undefined && status.store.moving > 0 ? (
          <span class="warn">{` · ${formatCount(status.store.moving)} moving`}</span>
        ) : null}
      </span>
      <span class="strip">
        <SlotStrip shares={shares} slotCount={app.roster.slotCount.value} />
      </span>
    </footer>
  );
}
