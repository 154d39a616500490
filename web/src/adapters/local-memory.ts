// Small texts that outlive a reload, in localStorage; in a plain map where the browser refuses that.

export interface LocalMemory {
  get(name: string): string | undefined;
  set(name: string, text: string): void;
}

/** Names are kept apart by `prefix`. */
export function createLocalMemory(prefix: string): LocalMemory {
  const fallback = new Map<string, string>();
  return {
    get: (name) => {
      try {
        return globalThis.localStorage.getItem(prefix + name) ?? fallback.get(name);
      } catch {
        // Refused, as all storage may be.
        return fallback.get(name);
      }
    },
    set: (name, text) => {
      try {
        globalThis.localStorage.setItem(prefix + name, text);
      } catch {
        // Refused or full: kept as long as the page is open.
        fallback.set(name, text);
      }
    },
  };
}
