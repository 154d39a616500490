// This member's part when an operator has a new table made of what the members know (REPLICATION, rule 2):
// it tells the table that it had and the highest version of each slot on its storage. If it is told to
// stop, it first serves nothing and gives no lease, until there is a table of a higher term. A process that
// was never let in has a storage too, and reports it.

import {
  compareVersions,
  decodeRecordHead,
  encodeRows,
  toMeshError,
  type Logger,
  type RegistrarEvents,
  type Report,
  type Slot,
  type Version,
} from '@shoal/shared';
import type { Registration } from './mesh/registration.ts';
import type { Storage } from './ports/storage.ts';

export interface Adopting {
  /** It serves nothing, and gives no lease. */
  isStopped(): boolean;
}

export function createAdopting(deps: {
  readonly registration: Registration;
  readonly storage: Storage;
  readonly logger: Logger;
}): Adopting {
  const { registration, storage, logger } = deps;
  let stoppedTerm: number | undefined;

  async function report({ number, stop }: RegistrarEvents['report-all']): Promise<void> {
    if (stop) stoppedTerm = registration.table.term;
    const rows = registration.rows();
    const table = rows.length === 0 ? {} : { table: { ...registration.table, rows: encodeRows(rows) } };
    try {
      const versions = await highestVersions(storage);
      await registration.request('report', { number, versions, ...table });
    } catch (error) {
      logger.warn('notReported', { code: toMeshError(error).code });
    }
  }

  registration.on('reportAsked', (question) => void report(question));
  return { isStopped: () => stoppedTerm !== undefined && registration.table.term <= stoppedTerm };
}

async function highestVersions(storage: Storage): Promise<Report['versions']> {
  const versions: Report['versions'] = [];
  for (const slot of await storage.slots()) {
    const highest = await highestVersion(storage, slot);
    if (highest !== undefined) versions.push([slot, highest.epoch, highest.counter]);
  }
  return versions;
}

async function highestVersion(storage: Storage, slot: Slot): Promise<Version | undefined> {
  let highest: Version | undefined;
  for await (const { head } of storage.scan(slot)) {
    const version = decodeRecordHead(head)?.version;
    if (version !== undefined && (highest === undefined || compareVersions(version, highest) > 0)) highest = version;
  }
  return highest;
}
