// Typed events: facts in the past tense. A listener that throws does not stop the others.

import { onAbort } from './abort.ts';

export type Unsubscribe = () => void;

export interface Subscribable<Events extends object> {
  on<Name extends keyof Events>(
    name: Name,
    listener: (event: Events[Name]) => void,
    options?: { readonly signal?: AbortSignal },
  ): Unsubscribe;
}

export interface Emitter<Events extends object> extends Subscribable<Events> {
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
  /** Listeners now subscribed, for tests that count leaks. */
  listenerCount(): number;
}

/** `onListenerError` hears what a listener threw; the emitter itself swallows nothing. */
export function createEmitter<Events extends object>(
  onListenerError: (error: unknown, name: keyof Events) => void,
): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(event: never) => void>>();
  return {
    on(name, listener, options) {
      const signal = options?.signal;
      if (signal?.aborted === true) return () => undefined;
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set);
      // A wrapper for each subscription: the same function may listen twice.
      const entry = (event: never): void => listener(event);
      set.add(entry);
      const stopAbort = onAbort(signal, () => set.delete(entry));
      return () => {
        set.delete(entry);
        stopAbort();
      };
    },
    emit(name, event) {
      for (const listener of [...(listeners.get(name) ?? [])]) {
        try {
          listener(event as never);
        } catch (error) {
          onListenerError(error, name);
        }
      }
    },
    listenerCount() {
      let count = 0;
      for (const set of listeners.values()) count += set.size;
      return count;
    },
  };
}
