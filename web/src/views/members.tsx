// Everybody in the mesh: share of the ranges, and the state of the data channel to each.

import type { App } from '../model/app.ts';
import { formatRoundTrip, formatShare, plural } from '../model/format.ts';
import type { MemberRow } from '../model/roster.ts';

const LINK_WORDS: Readonly<Record<MemberRow['link'], string>> = {
  none: 'no link',
  idle: 'no link',
  dialling: 'dialling',
  greeting: 'greeting',
  open: 'open',
  waiting: 'dials again soon',
};

export function Members({ app }: { readonly app: App }) {
  const members = app.roster.members.value;
  const lasting = members.filter(({ kind }) => kind !== 'command');
  return (
    <section class="card" aria-labelledby="members-title">
      <header>
        <h2 id="members-title">Members</h2>
        <span class="push figures soft small" role="status">
          {members.length === 0 ? '' : countOf(lasting)}
        </span>
      </header>
      <ul class="members" aria-labelledby="members-title">
        {members.map((member) => (
          <Member key={member.id} member={member} slotCount={app.roster.slotCount.value} />
        ))}
        <Ephemeral members={members} slotCount={app.roster.slotCount.value} />
        {members.length === 0 ? <li class="soft small empty">Not joined yet.</li> : null}
        {members.length === 1 ? (
          <li class="soft small empty">Alone so far. Open this page in a second tab, or press Invite.</li>
        ) : null}
      </ul>
    </section>
  );
}

function countOf(members: readonly MemberRow[]): string {
  const away = members.filter(({ state }) => state === 'away').length;
  return away === 0 ? plural(members.length, 'member') : `${members.length - away} here · ${away} away`;
}

/** They own ranges only while nobody else is there. */
function Ephemeral({ members, slotCount }: { readonly members: readonly MemberRow[]; readonly slotCount: number }) {
  const slots = members.reduce((sum, member) => sum + (member.ephemeral ? member.slots : 0), 0);
  if (slots === 0) return null;
  return (
    <li class="small warn empty">
      {formatShare(slots, slotCount)} of the ranges are with ephemeral members: what is put there is gone when they go.
    </li>
  );
}

function Member({ member, slotCount }: { readonly member: MemberRow; readonly slotCount: number }) {
  const { name, kind, state, link, via, isSelf, slots, share, hue } = member;
  const isAway = state === 'away';
  return (
    <li class="member" data-hue={hue} data-state={state} data-member={member.id}>
      <span class="dot" aria-hidden="true" />
      <span class="row">
        <span class="clip name" title={`${name} · ${member.id}`}>
          {name}
        </span>
        <code class="soft tiny">{member.shortId}</code>
        <span class="share figures">{kind === 'command' ? '–' : formatShare(slots, slotCount)}</span>
      </span>
      <span class="share-bar" aria-hidden="true">
        <span style={{ inlineSize: `${share * 100}%` }} />
      </span>
      <span class="row small">
        <span class="soft clip">
          {kind}
          {` · ${plural(member.workers, 'worker')}`}
          {member.ephemeral ? ' · ephemeral' : member.durability === 'strict' ? ' · strict' : ''}
          {state === 'here' ? '' : <b class={isAway ? 'bad' : 'warn'}>{` · ${state}`}</b>}
        </span>
        <span
          class="figures link"
          data-link={isSelf ? 'self' : link}
          title={
            isSelf
              ? 'This tab itself'
              : via === undefined
                ? `Data channel: ${LINK_WORDS[link]}`
                : `No direct data channel: ${via} forwards`
          }
        >
          {isSelf ? 'this tab' : linkText(member)}
        </span>
      </span>
    </li>
  );
}

function linkText({ link, via, roundTripMs }: MemberRow): string {
  const trip = link === 'open' && roundTripMs !== undefined ? formatRoundTrip(roundTripMs) : LINK_WORDS[link];
  return via === undefined ? trip : `via ${via} · ${trip}`;
}
