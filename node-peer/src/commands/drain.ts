// `shoal drain`: a member hands all that it holds to others, and then leaves.

import type { Command } from 'commander';
import { MeshError } from '@shoal/shared';
import { callOptions, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { complain, createProgressLine, printJson } from '../output.ts';

export function drainCommand(): Command {
  return requestCommand('drain', 'have a member hand over all that it holds, then leave')
    .argument('<member>', 'id, beginning of it, or name')
    .option('--json', 'print { member, slots }')
    .action(async (member: string, flags: MeshFlags, command: Command) => {
      await withMesh(command, flags, async (context) => {
        const progress = createProgressLine();
        let slots = 0;
        let hasBegun = false;
        try {
          await context.mesh.drain(member, {
            ...callOptions(context),
            onProgress: (left) => {
              hasBegun = true;
              slots = Math.max(slots, left);
              progress.show(`${member}: ${left} of ${slots} slots left`);
            },
          });
        } catch (error) {
          if (!hasBegun || !context.signal.aborted) throw error;
          throw new MeshError('aborted', `Not waited for any longer: ${member} goes on handing over, then leaves.`);
        } finally {
          progress.clear();
        }
        if (flags.json === true) return printJson({ member, slots });
        return complain(`${member} has handed over its ${slots} slots and left.`);
      });
    });
}
