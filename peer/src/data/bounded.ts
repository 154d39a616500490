// The same work for many things, some at once.

/** Runs `work` for each item, at most `atOnce` at a time; after a failure none is begun, those begun are waited for, and the first error is thrown. */
export async function forEachBounded<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  async function run(): Promise<void> {
    for (let next = iterator.next(); next.done !== true && failure === undefined; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failure ??= { error };
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, run));
  if (failure !== undefined) throw failure.error;
}
