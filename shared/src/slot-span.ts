// Spans of neighbouring slots: the form in which a set of slots is shown. A sentence names
// spans and the ring draws an arc for each, because nobody reads a list of 4,096 numbers.

import { assert } from './assert.ts';
import type { Slot } from './slot.ts';

export interface SlotSpan {
  readonly first: Slot;
  /** Inclusive: what comes after the top slot is not a slot. */
  readonly last: Slot;
}

/** The number of slots in `span`: 1 or more, an empty span is not a span. */
export function spanSize(span: SlotSpan): number {
  return span.last - span.first + 1;
}

/** Tells whether `slot` lies in `span`. */
export function spanContains(span: SlotSpan, slot: Slot): boolean {
  return span.first <= slot && slot <= span.last;
}

/** The fewest spans that hold just these slots. `slots` must ascend, each once. */
export function spansOf(slots: Iterable<Slot>): readonly SlotSpan[] {
  const spans: SlotSpan[] = [];
  for (const slot of slots) {
    const open = spans.at(-1);
    assert(open === undefined || open.last < slot, () => `slot ${slot} is out of order`);
    if (open !== undefined && open.last + 1 === slot) {
      spans[spans.length - 1] = { first: open.first, last: slot };
    } else {
      spans.push({ first: slot, last: slot });
    }
  }
  return spans;
}

/** As people write them: `0-811, 813`. */
export function formatSpans(spans: readonly SlotSpan[]): string {
  return spans.map(formatSpan).join(', ');
}

function formatSpan({ first, last }: SlotSpan): string {
  return first === last ? `${first}` : `${first}-${last}`;
}
