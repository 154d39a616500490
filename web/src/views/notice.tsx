// The page of a tab that is no member: why, and what to do.

import { useState } from 'preact/hooks';
import type { Problem } from '../model/problem.ts';
import type { Session } from '../model/session.ts';

export function OutNotice({ problem, session }: { readonly problem: Problem; readonly session: Session }) {
  return (
    <section class="card notice" role="alert" data-problem={problem.code}>
      <p class="small soft">Not a member</p>
      <h1>{problem.title}</h1>
      <p>{problem.text}</p>
      {problem.remedy === 'token' ? <TokenField session={session} /> : null}
      {problem.remedy === 'again' || problem.remedy === 'by-itself' ? (
        <div>
          <button type="button" class="primary" onClick={() => session.join()}>
            {problem.remedy === 'by-itself' ? 'Try now' : 'Join again'}
          </button>
        </div>
      ) : null}
      <p class="small soft">What you typed is kept.</p>
    </section>
  );
}

function TokenField({ session }: { readonly session: Session }) {
  const [token, setToken] = useState('');
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (token.trim() !== '') session.join(token.trim());
      }}
    >
      <input
        class="grow mono"
        type="text"
        value={token}
        aria-label="Token"
        placeholder="Token"
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => setToken(event.currentTarget.value)}
      />
      <button type="submit" class="primary" disabled={token.trim() === ''}>
        Join
      </button>
    </form>
  );
}

export function LeftNotice({ session }: { readonly session: Session }) {
  return (
    <section class="card notice" role="status">
      <p class="small soft">Not a member</p>
      <h1>Left</h1>
      <p>This tab handed over what it held and is out of the mesh. It computes and stores nothing any more.</p>
      <div>
        <button type="button" class="primary" onClick={() => session.join()}>
          Join again
        </button>
      </div>
      <p class="small soft">What you typed is kept.</p>
    </section>
  );
}
