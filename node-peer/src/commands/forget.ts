// `shoal forget`: gives up the slots of a member that will not come back. What it held is lost to the mesh.

import type { Command } from 'commander';
import { callOptions, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { complain, printJson } from '../output.ts';

export function forgetCommand(): Command {
  return requestCommand(
    'forget',
    'give up a member whose disk will not come back: what only it had is empty from then on',
  )
    .argument('<member>', 'id, beginning of it, or name')
    .option('--json', 'print { member, slots }')
    .action(async (member: string, flags: MeshFlags, command: Command) => {
      await withMesh(command, flags, async (context) => {
        const done = await context.mesh.forget(member, callOptions(context));
        if (flags.json === true) return printJson(done);
        return complain(
          done.slots === 0
            ? `Forgot ${member}: others have all that it had.`
            : `Forgot ${member}: ${done.slots} slots that only it had go, empty, to the others.`,
        );
      });
    });
}
