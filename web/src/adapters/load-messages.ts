// What the page and its load worker say to each other.

import type { MeshErrorWire } from '@shoal/shared';
import type { ReadItem, ReadOptions } from '@shoal/peer/read-chunks';

/** Items that the worker may be ahead of the page: it reads on while chunks are being put. */
export const ITEMS_AHEAD = 4;

export type ToLoadWorker =
  | { readonly kind: 'read'; readonly blob: Blob; readonly name: string; readonly options: ReadOptions }
  /** An item was taken: another may come. */
  | { readonly kind: 'more' };

export type FromLoadWorker =
  /** The bytes of a chunk are transferred. */
  | { readonly kind: 'item'; readonly item: ReadItem }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: MeshErrorWire };
