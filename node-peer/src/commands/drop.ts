// `shoal drop`: removes a dataset with its chunks.

import type { Command } from 'commander';
import { callOptions, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { complain } from '../output.ts';

export function dropCommand(): Command {
  return requestCommand('drop', 'remove a dataset with its chunks')
    .argument('<name>')
    .action(async (name: string, flags: MeshFlags, command: Command) => {
      await withMesh(command, flags, async (context) => {
        await context.mesh.drop(name, callOptions(context));
        complain(`Dropped the dataset "${name}".`);
      });
    });
}
