// The page: reads its address, composes the model with the browser's adapters, draws the views, and
// joins. `window.shoal` is for developers in the console: `{ mesh, join }`.

import type { Mesh } from '@shoal/peer';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { createTabMemory, type LocalMemory } from './adapters/local-memory.ts';
import { type App, createApp } from './model/app.ts';
import { createPagePorts } from './page-ports.ts';
import { Page } from './views/app.tsx';
import { join } from './web-peer.ts';

declare global {
  interface Window {
    /** The page's own member, once it has joined, and the way to join others. */
    shoal?: { readonly mesh?: Mesh; readonly join: typeof join };
  }
}

function meshNameOf(path: string): string {
  const [, name] = /^\/m\/([^/]+)/.exec(path) ?? [];
  return name === undefined ? 'main' : decodeURIComponent(name);
}

/** The token leaves the visible address: it would be in screenshots and in the history. */
function takeToken(memory: LocalMemory): void {
  const address = new URL(location.href);
  const token = address.searchParams.get('token');
  if (token === null) return;
  memory.set('token', token);
  address.searchParams.delete('token');
  history.replaceState(history.state, '', address);
}

function start(): App {
  const meshName = meshNameOf(location.pathname);
  const memory = createTabMemory(`shoal/${meshName}/`);
  takeToken(memory);
  const app = createApp(createPagePorts(meshName, memory));
  effect(() => {
    const theme = app.theme.value;
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  });
  effect(() => {
    const mesh = app.session.mesh.value;
    window.shoal = mesh === undefined ? { join } : { mesh, join };
  });
  return app;
}

const host = document.getElementById('app');
if (host !== null) {
  const app = start();
  render(<Page app={app} />, host);
  app.session.join();
  // A page that comes back from the browser's memory said goodbye when it went there.
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
}
