// A connection to the server that joins nothing: for what is asked while nobody may be let in.

import { createSocketIoRendezvous } from '@shoal/peer';
import {
  abortable,
  type Adopt,
  type Adopted,
  createDeadline,
  createDeferred,
  createSystemClock,
  MeshError,
} from '@shoal/shared';
import type { MeshAddress } from './config.ts';

interface CallLimits {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

export interface RegistrarConnection {
  /** Rejects with the server's error, `no-registrar`, `deadline` or the signal's. */
  adopt(ask: Adopt, limits: CallLimits): Promise<Adopted>;
  close(): Promise<void>;
}

export async function connectRegistrar(address: MeshAddress, options: CallLimits): Promise<RegistrarConnection> {
  const { url, mesh, token } = address;
  const rendezvous = createSocketIoRendezvous({ url, mesh, ...(token === undefined ? {} : { token }) });
  const up = createDeferred<void>();
  rendezvous.connect({
    up: () => up.resolve(),
    refused: up.reject,
    down: () => undefined,
    heard: () => undefined,
    event: () => undefined,
  });
  try {
    await within(
      up.promise,
      options,
      () => new MeshError('no-registrar', `The server at ${url} can't be reached: is it running?`),
    );
  } catch (error) {
    await rendezvous.close();
    throw error;
  }
  return {
    adopt: (ask, limits) =>
      within(
        rendezvous.request('adopt', ask),
        limits,
        () => new MeshError('deadline', `The server has not answered within ${limits.timeoutMs} ms.`),
      ),
    close: () => rendezvous.close(),
  };
}

async function within<T>(promise: Promise<T>, { signal, timeoutMs }: CallLimits, why: () => MeshError): Promise<T> {
  const deadline = createDeadline(createSystemClock(), timeoutMs, {
    outer: signal,
    reason: why,
  });
  try {
    return await abortable(promise, deadline.signal);
  } finally {
    deadline.end();
  }
}
