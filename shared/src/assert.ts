// Assertions: what fails here is a bug of ours, never of the input, and ends the operation loudly.

/** Throws unless `condition` holds. The message is built only when it is needed. */
export function assert(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Error(`Bug: ${message()}`);
}

/** Gives back `value`, which must be there. */
export function must<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new Error(`Bug: no ${what}`);
  return value;
}

/** The end of an exhaustive switch: it does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`Bug: unexpected ${JSON.stringify(value)}`);
}
