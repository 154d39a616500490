// `shoal recover`: lost slots are served from the newest copies that are left, older as these may be.

import type { Command } from 'commander';
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
        const oldest = Math.max(...slots.map(({ ageMs }) => ageMs ?? 0));
        const lacks =
          oldest > 0 ? `; the oldest copy lacks what was written in the last ${Math.ceil(oldest / 1_000)} s` : '';
        return complain(`Recovered ${slots.length} slots${lacks}.`);
      });
    });
}
