// The registrar's table as it is on disk.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '@shoal/shared';
import { decodeTableFile } from '../../signaling-server/src/table-file.ts';

export async function rowsOf(serverData: string): Promise<readonly Configuration[]> {
  try {
    return decodeTableFile('main', await readFile(join(serverData, 'registrar', 'main.table'))).table.rows;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
