// Why this tab is no member, each reason with its own sentence and what to do.

import { toMeshError } from '@shoal/shared';

/** `again`: a button tries the same; `token`: a field for the token; `by-itself`: it is tried again without anybody. */
export type Remedy = 'again' | 'token' | 'by-itself' | 'none';

export interface Problem {
  readonly code: string;
  readonly title: string;
  readonly text: string;
  readonly remedy: Remedy;
}

export function problemOf(error: unknown, meshName: string): Problem {
  const { code, message } = toMeshError(error);
  switch (code) {
    case 'no-webrtc':
      return {
        code,
        title: 'This browser makes no data channels',
        text: 'Members speak to each other over WebRTC, which is missing or switched off here. Allow WebRTC in the settings or extensions of this browser, or open this page in a current Chrome, Edge, Firefox or Safari.',
        remedy: 'again',
      };
    case 'no-registrar':
    case 'deadline':
      return {
        code,
        title: 'The server does not answer',
        text: 'This tab joins through the server that gave it this page. See that it still runs (`npm start`) and that this machine reaches it. It is tried again by itself.',
        remedy: 'by-itself',
      };
    case 'bad-token':
      return {
        code,
        title: 'This mesh asks for a token',
        text: 'The token in the link is missing or wrong. Ask somebody who is in for a new invite link, or paste the token here.',
        remedy: 'token',
      };
    case 'bad-origin':
      return {
        code,
        title: 'The server does not serve this address',
        text: 'It takes members only from addresses that it was told. Open the page at the address that the server printed, or start the server with this one allowed.',
        remedy: 'again',
      };
    case 'replaced':
      return {
        code,
        title: 'Another tab took this membership over',
        text: 'A newer tab or process joined with the same identity, and only one can have it. Go on there, or join again here as a new member.',
        remedy: 'again',
      };
    case 'storage':
    case 'storage-full':
    case 'lost':
      return {
        code,
        title: 'The store of this tab is gone',
        text: `The browser took the stored values away (site data cleared, or no space left), so this tab stopped rather than to answer wrongly. Join again to be a new, empty member. (${message})`,
        remedy: 'again',
      };
    case 'wrong-mesh':
      return {
        code,
        title: 'The server has another mesh of this name',
        text: `What this browser stored belongs to an earlier mesh “${meshName}”. Join again to come as a new member, or open the page of the server that you were with. (${message})`,
        remedy: 'again',
      };
    case 'bad-version':
      return {
        code,
        title: 'This page is of another release than the server',
        text: 'The server was updated since this page was loaded. Load the page again.',
        remedy: 'again',
      };
    case 'stale-table':
      return {
        code,
        title: 'The server has lost its table',
        text: `${message} This tab waits meanwhile, and joins by itself when that is done.`,
        remedy: 'none',
      };
    default:
      return { code, title: 'This tab could not join', text: message, remedy: 'again' };
  }
}
