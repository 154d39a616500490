// `shoal get`: the value as its bytes, so that what was put from a file comes out the same. On a
// terminal a text value is ended with a newline; piped or written to a file nothing is added.

import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { GetOptions, Mesh, ValueEntry } from '@shoal/peer';
import { formatVersion, type Version } from '@shoal/shared';
import { callOptions, Failed, flag, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { parseVersionFlag } from '../config.ts';
import { complain, print, printJson, printLine } from '../output.ts';

interface GetFlags extends MeshFlags {
  readonly wait?: boolean;
  readonly newerThan?: Version;
  readonly out?: string;
}

export function getCommand(): Command {
  return requestCommand('get', 'print the value of a key')
    .argument('<key>')
    .option('--wait', 'wait until somebody puts the key')
    .option('--newer-than <version>', 'print nothing unless the version is newer', flag(parseVersionFlag))
    .option('--out <file>', 'write the bytes of the value to a file')
    .option('--json', 'print { key, mediaType, sizeBytes, version, value }; bytes stand in "base64" instead of "value"')
    .action(async (key: string, flags: GetFlags, command: Command) => {
      await withMesh(command, flags, async (context) => {
        const options = { ...callOptions(context), wait: flags.wait === true };
        const entry = await ask(context.mesh, key, { options, newerThan: flags.newerThan });
        if (entry === undefined) {
          complain(`The key "${key}" has no value.`);
          throw new Failed();
        }
        if (entry !== 'unchanged') await show(key, entry, flags);
        else if (flags.json === true) await printJson({ key, unchanged: true });
      });
    });
}

function ask(
  mesh: Mesh,
  key: string,
  { options, newerThan }: { readonly options: GetOptions; readonly newerThan: Version | undefined },
): Promise<ValueEntry | 'unchanged' | undefined> {
  return newerThan === undefined ? mesh.getEntry(key, options) : mesh.getEntry(key, { ...options, newerThan });
}

async function show(key: string, entry: ValueEntry, flags: GetFlags): Promise<void> {
  if (flags.out !== undefined) await writeFile(flags.out, entry.bytes);
  if (flags.json === true) {
    const { value, bytes, mediaType } = entry;
    const content = value instanceof Uint8Array ? { base64: Buffer.from(bytes).toString('base64') } : { value };
    await printJson({ key, mediaType, sizeBytes: bytes.length, version: formatVersion(entry.version), ...content });
  } else if (flags.out === undefined) {
    await print(entry.bytes);
    if (process.stdout.isTTY && !(entry.value instanceof Uint8Array)) await printLine('');
  }
}
