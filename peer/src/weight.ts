// What a member gives, as one number: shares of the slots are in proportion to it. Tasks run where their
// chunk lies, so the share follows the workers; and nobody is given more than fits on its storage.

import { limits } from '@shoal/shared';

const WEIGHT_MOST = 16;
const PER_WORKER = WEIGHT_MOST / limits.workersMax;
/** Free bytes for each: 4 GiB limit nobody. */
const BYTES_EACH = 256 * 1024 * 1024;

/** 1 to 16. Told at the start and kept: a slider for workers moves no data. */
export function weightOf({ workers, freeBytes }: { readonly workers: number; readonly freeBytes: number }): number {
  const most = Math.min(WEIGHT_MOST, workers * PER_WORKER, Math.floor(freeBytes / BYTES_EACH));
  return Math.max(1, most);
}
