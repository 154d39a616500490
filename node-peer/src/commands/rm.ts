// `shoal rm`: deletes a key; that there was nothing is an error, so that a script hears of a typing mistake.

import type { Command } from 'commander';
import type { Version } from '@shoal/shared';
import { callOptions, Failed, flag, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { parseVersionFlag } from '../config.ts';
import { complain } from '../output.ts';

interface RmFlags extends MeshFlags {
  readonly force?: boolean;
  readonly ifVersion?: Version;
}

export function rmCommand(): Command {
  return requestCommand('rm', 'delete a key')
    .argument('<key>')
    .option('--force', 'it may be absent')
    .option('--if-version <version>', 'only if the key has this version', flag(parseVersionFlag))
    .action(async (key: string, flags: RmFlags, command: Command) => {
      await withMesh(command, flags, async (context) => {
        const expected = flags.ifVersion === undefined ? {} : { expected: flags.ifVersion };
        const existed = await context.mesh.delete(key, { ...callOptions(context), ...expected });
        if (existed || flags.force === true) return;
        complain(`The key "${key}" has no value.`);
        throw new Failed();
      });
    });
}
