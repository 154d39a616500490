// The whole page: the mesh at the side, the work in the middle, figures at the bottom. A tab that is no
// member shows why instead.

import { useEffect } from 'preact/hooks';
import type { App } from '../model/app.ts';
import { DataCard } from './data.tsx';
import { Head } from './head.tsx';
import { Members } from './members.tsx';
import { Membership } from './membership.tsx';
import { LeftNotice, OutNotice } from './notice.tsx';
import { RunCard } from './run.tsx';
import { SlotsCard } from './slots.tsx';
import { StatusBar } from './status-bar.tsx';

export function Page({ app }: { readonly app: App }) {
  const { state } = app.session;
  useEffect(() => app.title.subscribe((title) => void (document.title = title)), [app]);
  return (
    <div class="page">
      <Head app={app} />
      {state.value.kind === 'out' ? (
        <main class="center">
          <OutNotice problem={state.value.problem} session={app.session} />
        </main>
      ) : state.value.kind === 'left' ? (
        <main class="center">
          <LeftNotice session={app.session} />
        </main>
      ) : (
        <main class="columns">
          <aside class="sidebar" aria-label="Mesh">
            <Membership app={app} />
            <Members app={app} />
            <SlotsCard app={app} />
          </aside>
          <div class="work">
            <DataCard app={app} />
            <RunCard app={app} />
          </div>
        </main>
      )}
      <StatusBar app={app} />
    </div>
  );
}
