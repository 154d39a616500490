// Who may connect: a page only from this server's own address, a client only under a name that is
// this server's, and with the token if there is one. Any web site's page can open a WebSocket to
// 127.0.0.1, and give its own name that address; both are told by the headers that it can't choose.

import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { handshakeSchema, MeshError, type Handshake } from '@shoal/shared';
import { commonVersion } from './joining.ts';
import { parsePayload } from './payload.ts';

export interface AdmissionRules {
  /** The address that the server listens on. */
  readonly host: string;
  /** More names under which it may be called. */
  readonly hosts: readonly string[];
  readonly token: string | undefined;
}

export interface Headers {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
}

/** Programs send no `Origin`; a page's must be the address that it was loaded from. */
export function isOwnOrigin({ origin, host }: Headers): boolean {
  if (origin === undefined) return true;
  if (host === undefined) return false;
  const lower = host.toLowerCase();
  return origin.toLowerCase() === `http://${lower}` || origin.toLowerCase() === `https://${lower}`;
}

/** Throws `bad-origin` for a name that is not this server's. */
export function assertKnownHost({ host, hosts }: AdmissionRules, header: string | undefined): void {
  const name = header === undefined ? undefined : hostNameOf(header);
  if (name !== undefined) {
    if (isLoopbackName(name) || hosts.some((known) => known.toLowerCase() === name)) return;
    // An address can't be given to another machine, as a name can.
    if (!isLoopbackName(host) && isIP(name) !== 0) return;
  }
  throw new MeshError(
    'bad-origin',
    `The server does not know itself as ${name ?? 'what the request calls it'}: start it with SHOAL_HOSTS=${name ?? 'NAME'} (or --allow-host) to let clients in under that name.`,
  );
}

/** The handshake's own part; throws `bad-argument`, `bad-version` or `bad-token`. */
export function parseHandshake(rules: AdmissionRules, auth: unknown): Handshake {
  const handshake = parsePayload('handshake', handshakeSchema, auth);
  commonVersion(handshake.versions);
  if (rules.token !== undefined && !isSame(handshake.token ?? '', rules.token)) {
    const what = handshake.token === undefined ? 'The server wants a token' : "The token is not the server's";
    throw new MeshError(
      'bad-token',
      `${what}: it stands in the address that the server printed at its start, after ?token=.`,
    );
  }
  return handshake;
}

export function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/** The name in a `Host` header, without port and brackets; undefined for what is none. */
export function hostNameOf(header: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?$/i.exec(header) ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}

/** In a time that does not tell how much of it is right. */
function isSame(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
