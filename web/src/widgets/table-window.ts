// Which rows of a long table are on the screen. Pure. Browsers cap an element's height (some at 17
// million pixels), so a very long table scrolls in a shorter one, whose last pixel is its last row.

export const ROW_HEIGHT = 28;
const TALLEST = 8_000_000;
/** Rows drawn above and below what is seen, so that scrolling shows no gap. */
const SPARE = 12;

export interface TableWindow {
  readonly first: number;
  /** Inclusive; −1 for an empty table. */
  readonly last: number;
  /** Where the first drawn row stands, in the scrolled content. */
  readonly top: number;
}

export function contentHeight(rowCount: number): number {
  return Math.min(rowCount * ROW_HEIGHT, TALLEST);
}

export function windowAt(rowCount: number, scrollTop: number, viewHeight: number): TableWindow {
  const real = rowCount * ROW_HEIGHT;
  const content = contentHeight(rowCount);
  const reach = Math.max(content - viewHeight, 0);
  const scrolled = Math.min(Math.max(scrollTop, 0), reach);
  const offset = content === real || reach === 0 ? scrolled : (scrolled / reach) * (real - viewHeight);
  const first = Math.max(Math.floor(offset / ROW_HEIGHT) - SPARE, 0);
  const last = Math.min(Math.ceil((offset + viewHeight) / ROW_HEIGHT) + SPARE, rowCount) - 1;
  return { first, last, top: scrolled - (offset - first * ROW_HEIGHT) };
}
