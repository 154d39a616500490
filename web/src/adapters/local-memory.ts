// Small texts that outlive a reload, in the browser's own stores; in a plain map where it refuses those.
// Only for what a user typed and chose: a duplicated tab copies its sessionStorage, so identity is not
// in there.

export interface LocalMemory {
  get(name: string): string | undefined;
  set(name: string, text: string): void;
  /** Names that begin so. */
  names(beginning: string): readonly string[];
}

/** Names are kept apart by `prefix`. */
export function createLocalMemory(prefix: string): LocalMemory {
  return createMemory(prefix, () => [globalThis.localStorage]);
}

/** As the tab last had it, or else as any tab did: two tabs don't overwrite each other's drafts. */
export function createTabMemory(prefix: string): LocalMemory {
  return createMemory(prefix, () => [globalThis.sessionStorage, globalThis.localStorage]);
}

function createMemory(prefix: string, stores: () => readonly Storage[]): LocalMemory {
  const fallback = new Map<string, string>();
  return {
    get: (name) => {
      try {
        for (const store of stores()) {
          const text = store.getItem(prefix + name);
          if (text !== null) return text;
        }
      } catch {
        // Refused, as all storage may be.
      }
      return fallback.get(name);
    },
    names: (beginning) => {
      const found = new Set(fallback.keys());
      try {
        for (const store of stores()) {
          for (let index = 0; index < store.length; index += 1) {
            const key = store.key(index);
            if (key?.startsWith(prefix) === true) found.add(key.slice(prefix.length));
          }
        }
      } catch {
        // Refused: what is remembered here is all.
      }
      return [...found].filter((name) => name.startsWith(beginning));
    },
    set: (name, text) => {
      try {
        for (const store of stores()) store.setItem(prefix + name, text);
      } catch {
        // Refused or full: kept as long as the page is open.
        fallback.set(name, text);
      }
    },
  };
}
