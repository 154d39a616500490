// The signaling server's program: flags and environment in, one line or message when it listens, exit
// code 1 with one sentence when it can't. `shoal serve` runs it as a child, and it ends with its parent.

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pino from 'pino';
import { createSystemClock, isMeshError, type Logger } from '@shoal/shared';
import type { Replicas } from './mesh-state.ts';
import { createSignalingServer, type SignalingServer, type SignalingServerOptions } from './server.ts';

/** A close that hangs on a socket may not keep a terminal. */
const CLOSE_WITHIN_MS = 5_000;

async function main(): Promise<void> {
  const options = readOptions();
  const server = await createSignalingServer({ ...options, logger: createLogger() });
  onEnd(server);
  const { url, port, token } = server;
  if (process.send === undefined) process.stdout.write(`${JSON.stringify({ kind: 'ready', url, port, token })}\n`);
  else process.send({ kind: 'ready', url, port, token });
}

function readOptions(): SignalingServerOptions {
  const { env } = process;
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      data: { type: 'string' },
      token: { type: 'string' },
      replicas: { type: 'string' },
      page: { type: 'string' },
      'allow-host': { type: 'string', multiple: true },
    },
  });
  const port = Number(values.port ?? (env['PORT'] || '8080'));
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Usage(`A port is a number from 0 to 65535, not ${values.port ?? env['PORT']}.`);
  const token = values.token ?? (env['TOKEN'] || undefined);
  const hosts = [...(values['allow-host'] ?? []), ...(env['SHOAL_HOSTS'] ?? '').split(',')];
  return {
    port,
    host: values.host ?? (env['HOST'] || '127.0.0.1'),
    dataDir: values.data ?? join(env['SHOAL_DATA'] || '.shoal', 'registrar'),
    hosts: hosts.map((name) => name.trim()).filter((name) => name !== ''),
    ...readReplicas(values.replicas ?? (env['SHOAL_REPLICAS'] || undefined)),
    ...(token === undefined ? {} : { token }),
    ...(values.page === undefined ? {} : { pageDir: values.page }),
  };
}

function readReplicas(text: string | undefined): { readonly replicas?: Replicas } {
  if (text === undefined) return {};
  if (text === 'auto') return { replicas: text };
  if (/^[1-7]$/.test(text)) return { replicas: Number(text) };
  throw new Usage(`Replicas are a number from 1 to 7, or auto, not ${text}.`);
}

class Usage extends Error {}

function createLogger(): Logger {
  const log = pino(
    { level: process.env['SHOAL_LOG'] || 'warn', name: 'signaling-server' },
    pino.destination({ dest: 2, sync: true }),
  );
  return {
    debug: (event, fields) => log.debug(fields ?? {}, event),
    info: (event, fields) => log.info(fields ?? {}, event),
    warn: (event, fields) => log.warn(fields ?? {}, event),
    error: (event, fields) => log.error(fields ?? {}, event),
  };
}

function onEnd(server: SignalingServer): void {
  let isEnding = false;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    createSystemClock().setTimer(() => process.exit(0), CLOSE_WITHIN_MS);
    server.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  // Its parent is gone, by whatever end: nobody would end it otherwise.
  if (process.send !== undefined) process.on('disconnect', end);
}

function fail(error: unknown): void {
  const isUsage =
    error instanceof Usage ||
    (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
  const text =
    isMeshError(error) || isUsage
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(isUsage ? 2 : 1);
}

main().catch(fail);
