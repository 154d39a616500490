// One JSON value. `JSON.parse` rounds integers beyond 2^53 without a word, so they are made texts first.

const LONG_DIGITS = /\d{16}/;
const STRING_OR_LONG_INTEGER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]{15,}/g;
const INTEGER = /^-?\d+$/;

/** `undefined` if `text` is not JSON. */
export function parseJsonRow(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(LONG_DIGITS.test(text) ? text.replace(STRING_OR_LONG_INTEGER, keepExact) : text) };
  } catch {
    // Not JSON: the caller counts it.
    return undefined;
  }
}

function keepExact(token: string): string {
  return INTEGER.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token;
}
