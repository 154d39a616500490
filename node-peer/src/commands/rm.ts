// `shoal rm`: deletes a key; that there was nothing is an error, so that a script hears of a typing mistake.

import type { Command } from 'commander';
import { callOptions, Failed, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { complain } from '../output.ts';

export function rmCommand(): Command {
  return requestCommand('rm', 'delete a key')
    .argument('<key>')
    .option('--force', 'it may be absent')
    .action(async (key: string, flags: MeshFlags & { readonly force?: boolean }, command: Command) => {
      await withMesh(command, flags, async (context) => {
        const existed = await context.mesh.delete(key, callOptions(context));
        if (existed || flags.force === true) return;
        complain(`The key "${key}" has no value.`);
        throw new Failed();
      });
    });
}
