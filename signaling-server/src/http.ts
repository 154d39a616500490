// What the server answers over HTTP: the page and the cage, each with its policy, sample data, and its
// health. There is no route that reads or writes a value.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { meshNameSchema, PROTOCOL_VERSION, toMeshError, type Logger } from '@shoal/shared';
import { assertKnownHost, hostNameOf, type AdmissionRules } from './admission.ts';
import { compress, createPageFiles, type Encoding, type PageFile, type PageFiles } from './page-files.ts';
import type { RegistrarStatus } from './registrar-api.ts';

const NONCE = /__NONCE__/g;
const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  // The address of a page may hold the token.
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-DNS-Prefetch-Control': 'off',
};
/** The frame that makes workers for foreign code: nothing of it reaches a network. */
const CAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self' blob:",
  'worker-src data:',
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');
const CLOSED_POLICY = "default-src 'none'; frame-ancestors 'none'";

export interface HttpDeps {
  readonly pageDir: string;
  readonly rules: AdmissionRules;
  status(): RegistrarStatus;
  readonly logger: Logger;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly files: PageFiles;
  readonly deps: HttpDeps;
}

export function createHttpHandler(deps: HttpDeps): (request: IncomingMessage, response: ServerResponse) => void {
  const files = createPageFiles(deps.pageDir);
  return (request, response) => {
    answer({ request, response, files, deps }).catch((thrown: unknown) => {
      deps.logger.error('httpFailed', { path: request.url, error: toMeshError(thrown).message });
      if (!response.headersSent) sendText({ request, response }, 500, 'The server failed to answer; its log says why.');
      else response.destroy();
    });
  };
}

async function answer(exchange: Exchange): Promise<void> {
  const { request, response, files } = exchange;
  for (const [name, value] of Object.entries(COMMON_HEADERS)) response.setHeader(name, value);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    sendText(exchange, 405, 'Only GET and HEAD are answered here.');
    return;
  }
  const path = (request.url ?? '/').replace(/[?#].*$/s, '');
  if (path === '/healthz') return sendHealth(exchange);
  if (path === '/' || path === '/index.html' || isMeshPath(path)) return sendPage(exchange);
  const file = await files.find(path);
  if (file === undefined) return sendText(exchange, 404, 'There is nothing here. A mesh has its page at /m/NAME.');
  await sendFile(exchange, path, file);
}

function isMeshPath(path: string): boolean {
  const name = /^\/m\/([^/]+)$/.exec(path)?.[1];
  if (name === undefined) return false;
  const result = meshNameSchema['~standard'].validate(name);
  return !(result instanceof Promise) && result.issues === undefined;
}

/** The page, with a fresh nonce for the styles that the editor makes. */
async function sendPage(exchange: Exchange): Promise<void> {
  const { request, response, files } = exchange;
  const file = await files.find('/index.html');
  if (file === undefined) return sendText(exchange, 503, 'The page is not built yet: run npm run build.');
  const nonce = randomBytes(16).toString('base64');
  const html = Buffer.from(file.bytes.toString('utf8').replace(NONCE, nonce));
  const encoding = encodingOf(request);
  response.setHeader('Content-Security-Policy', pagePolicy(nonce, request.headers.host));
  response.setHeader('Cache-Control', 'no-store');
  send(exchange, { type: file.type, encoding, bytes: await compress(html, encoding) });
}

async function sendFile(exchange: Exchange, path: string, file: PageFile): Promise<void> {
  const { request, response } = exchange;
  // Names below /assets hold a hash of what is in them.
  const isHashed = path.startsWith('/assets/');
  const policy = path === '/cage.html' ? CAGE_POLICY : CLOSED_POLICY;
  if (file.type.startsWith('text/html') || file.type.startsWith('image/svg'))
    response.setHeader('Content-Security-Policy', policy);
  response.setHeader('Cache-Control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.setHeader('ETag', file.tag);
  if (request.headers['if-none-match'] === file.tag) {
    response.writeHead(304).end();
    return;
  }
  send(exchange, { type: file.type, ...(await file.encoded(encodingOf(request))) });
}

function sendHealth(exchange: Exchange): void {
  const { request, response, deps } = exchange;
  try {
    // A foreign page can give its name this server's address; it shall not even learn how many are here.
    assertKnownHost(deps.rules, request.headers.host);
  } catch (error) {
    sendText(exchange, 403, toMeshError(error).message);
    return;
  }
  const status = deps.status();
  const health = { status: status.frozen.length === 0 ? 'ok' : 'frozen', version: PROTOCOL_VERSION, ...status };
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Security-Policy', CLOSED_POLICY);
  send(exchange, {
    type: 'application/json; charset=utf-8',
    encoding: 'identity',
    bytes: Buffer.from(`${JSON.stringify(health)}\n`),
  });
}

function pagePolicy(nonce: string, host: string | undefined): string {
  // Not every browser counts a WebSocket to the page's own host as 'self'.
  const own = host !== undefined && hostNameOf(host) !== undefined ? ` ws://${host} wss://${host}` : '';
  return [
    "default-src 'self'",
    "script-src 'self'",
    "worker-src 'self' blob:",
    `style-src 'self' 'nonce-${nonce}'`,
    `connect-src 'self'${own}`,
    "frame-src 'self'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function encodingOf(request: IncomingMessage): Encoding {
  const accepted = request.headers['accept-encoding'] ?? '';
  if (/\bbr\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(accepted)) return 'br';
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(accepted) ? 'gzip' : 'identity';
}

function sendText(exchange: Pick<Exchange, 'request' | 'response'>, status: number, text: string): void {
  exchange.response.statusCode = status;
  exchange.response.setHeader('Content-Security-Policy', CLOSED_POLICY);
  send(exchange, { type: 'text/plain; charset=utf-8', encoding: 'identity', bytes: Buffer.from(`${text}\n`) });
}

function send(
  { request, response }: Pick<Exchange, 'request' | 'response'>,
  content: { readonly type: string; readonly encoding: Encoding; readonly bytes: Buffer },
): void {
  response.setHeader('Content-Type', content.type);
  response.setHeader('Content-Length', content.bytes.length);
  response.setHeader('Vary', 'Accept-Encoding');
  if (content.encoding !== 'identity') response.setHeader('Content-Encoding', content.encoding);
  response.end(request.method === 'HEAD' ? undefined : content.bytes);
}
