// `shoal recover`: lost slots are served from the newest copies that are left, older as these may be.

import type { Command } from 'commander';
import type { RecoveredSlot } from '@shoal/shared';
import { callOptions, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { complain, printJson } from '../output.ts';

export function recoverCommand(): Command {
  return requestCommand('recover', 'serve lost slots from the newest copies that are left, however old')
    .option('--json', 'print { slots: [{ slot, from, ageMs }] }')
    .action(async (flags: MeshFlags, command: Command) => {
      await withMesh(command, flags, async (context) => {
        const done = await context.mesh.recover(callOptions(context));
        if (flags.json === true) return printJson(done);
        const { slots } = done;
        if (slots.length === 0) return complain('No slot is lost.');
        return complain(`Recovered ${slots.length} slots${lackOf(slots)}.`);
      });
    });
}

function lackOf(slots: readonly RecoveredSlot[]): string {
  const older = slots.filter(({ ageMs }) => ageMs !== undefined);
  if (older.length === 0) return ' from copies of their last configuration';
  const oldestMs = Math.max(...older.map(({ ageMs = 0 }) => ageMs));
  return `; ${older.length} of them lack what was written in the last ${formatAge(oldestMs)}, or less of it`;
}

function formatAge(ms: number): string {
  if (ms < 120_000) return `${Math.ceil(ms / 1_000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
