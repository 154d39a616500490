// `shoal put`: a text from the command line, or the bytes of a file or of stdin as they are.

import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { formatVersion, limits, MeshError, type Version } from '@shoal/shared';
import { callOptions, flag, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { parseVersionFlag, parseWhole } from '../config.ts';
import { printJson, printLine } from '../output.ts';

interface PutFlags extends MeshFlags {
  readonly file?: string;
  readonly mediaType?: string;
  readonly ifVersion?: Version | 'absent';
  readonly minCopies?: number;
}

const DEFAULT_MEDIA_TYPE = 'application/octet-stream';

export function putCommand(): Command {
  return requestCommand('put', 'give a key a value')
    .argument('<key>')
    .argument('[value]', 'the text to put')
    .option('--file <file>', 'put the bytes of a file, or of stdin with "-"')
    .option('--media-type <type>', `what the bytes of --file are (default: ${DEFAULT_MEDIA_TYPE})`)
    .option('--if-version <version>', 'only if the key has this version, or is "absent"', flag(parseExpected))
    .option(
      '--min-copies <n>',
      'write nothing while so many members can not keep it',
      flag((text) => parseWhole(text, '--min-copies', { min: 1, max: 7 })),
    )
    .option('--json', 'print { key, version, copies }')
    .action(async (key: string, value: string | undefined, flags: PutFlags, command: Command) => {
      const { file } = flags;
      if ((value === undefined) === (file === undefined)) {
        command.error('error: give either a value or --file');
      }
      if (value !== undefined && flags.mediaType !== undefined) {
        command.error('error: --media-type is for the bytes of --file; a value is text');
      }
      const content = file === undefined ? (value ?? '') : await bytesOf(key, file);
      await withMesh(command, flags, async (context) => {
        const { ifVersion, minCopies } = flags;
        const { version, copies } = await context.mesh.put(key, content, {
          ...callOptions(context),
          ...(typeof content === 'string' ? {} : { mediaType: flags.mediaType ?? DEFAULT_MEDIA_TYPE }),
          ...(ifVersion === undefined ? {} : { expected: ifVersion === 'absent' ? null : ifVersion }),
          ...(minCopies === undefined ? {} : { minCopies }),
        });
        const done = { key, version: formatVersion(version), copies };
        if (flags.json === true) await printJson(done);
        else await printLine(`${done.version}, ${copies === 1 ? '1 copy' : `${copies} copies`}`);
      });
    });
}

function parseExpected(text: string): Version | 'absent' {
  return text === 'absent' ? text : parseVersionFlag(text);
}

async function bytesOf(key: string, file: string): Promise<Uint8Array> {
  if (file === '-') return readBounded(key, process.stdin);
  try {
    const handle = await open(file);
    return await readBounded(key, handle.createReadStream());
  } catch (error) {
    if (error instanceof MeshError) throw error;
    throw new MeshError('bad-file', `Can't read ${file}: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** Never more in memory than a value may have. */
async function readBounded(key: string, stream: Readable): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stream as AsyncIterable<Uint8Array>) {
    parts.push(part);
    size += part.length;
    if (size > limits.valueBytes) {
      throw new MeshError(
        'bad-value',
        `The value for "${key}" has more than ${limits.valueBytes} bytes, the most that a value may have.`,
      );
    }
  }
  return Buffer.concat(parts, size);
}
