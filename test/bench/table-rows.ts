// The registrar's table as it is on disk; none before the first member.

import type { Configuration } from '@shoal/shared';
import { readTable } from '../chaos/table.ts';

export async function rowsOf(serverData: string): Promise<readonly Configuration[]> {
  try {
    return (await readTable(serverData)).table.rows;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
