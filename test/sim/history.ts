// What clients asked for and were told, key by key: what the checker judges.

export type Ask =
  | { readonly kind: 'get' }
  | { readonly kind: 'put'; readonly value: string }
  | { readonly kind: 'delete' }
  /** Takes effect only on that value; undefined: only on an absent key. */
  | { readonly kind: 'cas'; readonly expected: string | undefined; readonly value: string | undefined }
  /** The operator gave the key's slot up. */
  | { readonly kind: 'wipe' };

export type Told =
  /** Of a get: what was read, undefined for absent. Of a delete: whether there was something. Of a cas: whether it was done. */
  | { readonly kind: 'read'; readonly value: string | undefined }
  | { readonly kind: 'done' }
  /** A delete of an absent key; a cas that met another value. */
  | { readonly kind: 'not-done' }
  /** It never takes effect: refused. */
  | { readonly kind: 'never' }
  /** It may take effect, now, later or never, once. */
  | { readonly kind: 'maybe' };

export interface Operation {
  readonly key: string;
  readonly ask: Ask;
  readonly told: Told;
  /** Stamps: when it was asked, and when it was answered; Infinity without an answer. */
  readonly from: number;
  readonly to: number;
  /** For people: who asked, and when. */
  readonly by: string;
  /** The process that it was asked of. */
  readonly at: string;
  readonly atMs: number;
  readonly untilMs: number;
  readonly note?: string;
}

export function formatOperation(operation: Operation): string {
  const { ask, told, by, atMs, untilMs, from, to, note } = operation;
  const asked =
    ask.kind === 'cas'
      ? `cas ${ask.expected ?? 'absent'} → ${ask.value ?? 'absent'}`
      : ask.kind === 'put'
        ? `put ${ask.value}`
        : ask.kind;
  const answer = told.kind === 'read' ? `read ${told.value ?? 'absent'}` : told.kind;
  const until = untilMs === Infinity ? '…' : untilMs.toFixed(1);
  return `${atMs.toFixed(1).padStart(9)} to ${until.padStart(9)}  [${from}, ${to}]  ${by.padEnd(24)} ${asked.padEnd(26)} ${answer}${note === undefined ? '' : `  (${note})`}`;
}
