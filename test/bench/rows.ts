// All rows, in the order in which they are run.

import type { Row } from './row.ts';
import { getBatch, getLarge, getMany, getOwn, getSmall } from './rows/get.ts';
import { getBeside, heartbeat } from './rows/load.ts';
import { memoryPut, memoryVisits } from './rows/memory.ts';
import { putMany, putSmall } from './rows/put.ts';
import { raw } from './rows/raw.ts';
import { join, processes } from './rows/start.ts';
import { taskData, taskEmpty, taskMany } from './rows/task.ts';

export const ROWS: readonly Row[] = [
  raw,
  getSmall,
  getLarge,
  getMany,
  getBeside,
  putSmall,
  putMany,
  getBatch,
  getOwn,
  taskEmpty,
  taskMany,
  taskData,
  memoryPut,
  heartbeat,
  join,
  processes,
  memoryVisits,
];
