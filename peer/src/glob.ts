// Patterns as in a shell: `*` any run of characters, `?` one. What stands before the first of them is a prefix.

export interface KeyPattern {
  readonly prefix: string;
  matches(key: string): boolean;
}

export function parsePattern(pattern: string): KeyPattern {
  const wild = pattern.search(/[*?]/);
  if (wild < 0) return { prefix: pattern, matches: (key) => key === pattern };
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  const expression = new RegExp(`^${source}$`, 'u');
  return { prefix: pattern.slice(0, wild), matches: (key) => expression.test(key) };
}
