// Our port as Comlink wants it. The two differ only in how they type a listener.

import type { Endpoint } from 'comlink';
import type { WorkerPort } from '../ports/worker-host.ts';

export function endpointOf(port: WorkerPort): Endpoint {
  const listeners = new Map<EventListenerOrEventListenerObject, (event: { data: unknown }) => void>();
  return {
    postMessage: (message: unknown, transfer?: Transferable[]) => port.postMessage(message, transfer),
    addEventListener: (_type, listener) => {
      const hear = (event: { data: unknown }): void => {
        // A message event, which the port's type does not say.
        if (typeof listener === 'function') listener(event as MessageEvent);
        else listener.handleEvent(event as MessageEvent);
      };
      listeners.set(listener, hear);
      port.addEventListener('message', hear);
    },
    removeEventListener: (_type, listener) => {
      const hear = listeners.get(listener);
      if (hear !== undefined) port.removeEventListener('message', hear);
      listeners.delete(listener);
    },
    start: () => port.start?.(),
  };
}
