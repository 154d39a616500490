// The page's head: which mesh this is, who may be invited, light or dark.

import { useState } from 'preact/hooks';
import type { App, Theme } from '../model/app.ts';
import { CopyField } from '../widgets/copy-field.tsx';
import { Modal } from '../widgets/modal.tsx';
import { QrCode } from '../widgets/qr-code.tsx';

const NEXT_THEME: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };
const THEME_SIGN: Readonly<Record<Theme, string>> = { system: '◐', light: '○', dark: '●' };

export function Head({ app }: { readonly app: App }) {
  const [isInviting, setInviting] = useState(false);
  const theme = app.theme.value;
  return (
    <header class="head">
      <h1 class="brand">
        <Mark />
        <span>Shoal</span>
        <span class="mesh-name clip" title="The mesh that this page belongs to">
          {app.meshName}
        </span>
      </h1>
      <div class="push">
        <button type="button" onClick={() => setInviting(true)}>
          Invite
        </button>
        <button
          type="button"
          class="icon plain"
          title={`Colours: ${theme}`}
          aria-label={`Colours: ${theme}. Change.`}
          onClick={() => (app.theme.value = NEXT_THEME[theme])}
        >
          {THEME_SIGN[theme]}
        </button>
      </div>
      <Modal label="Invite" isOpen={isInviting} onClose={() => setInviting(false)}>
        <Invite link={app.inviteLink()} onClose={() => setInviting(false)} />
      </Modal>
    </header>
  );
}

function Invite({ link, onClose }: { readonly link: string; readonly onClose: () => void }) {
  const { hostname, origin } = new URL(link);
  const isLocal = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
  return (
    <div class="stack invite">
      <div class="row spread">
        <h2>Invite to this mesh</h2>
        <button type="button" class="plain icon" aria-label="Close" onClick={onClose}>
          ✕
        </button>
      </div>
      <p class="soft">Whoever opens this link becomes a member and gives some of their processors.</p>
      <CopyField text={link} label="Invite link" />
      <QrCode text={link} label="The invite link as a QR code" />
      {isLocal ? (
        <p class="small warn-box">
          {origin} is reached from this machine alone. To invite others, start the server with <code>HOST=0.0.0.0</code>{' '}
          and open the page by this machine’s name.
        </p>
      ) : null}
      <p class="small soft">
        Without a browser: <code>npx shoal peer --join {link} --data ./b</code>
      </p>
    </div>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <g fill="var(--on-accent)">
        <path d="M6 10c3-3 7-3 10 0l3-2v4l-3-2c-3 3-7 3-10 0z" />
        <path d="M12 16.500c3-3 7-3 10 0l3-2v4l-3-2c-3 3-7 3-10 0z" opacity=".8" />
        <path d="M7 23c3-3 7-3 10 0l3-2v4l-3-2c-3 3-7 3-10 0z" opacity=".6" />
      </g>
    </svg>
  );
}
