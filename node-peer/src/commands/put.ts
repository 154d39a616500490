// `shoal put`: a text from the command line, or the bytes of a file or of stdin as they are.

import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { limits, MeshError } from '@shoal/shared';
import { callOptions, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';

interface PutFlags extends MeshFlags {
  readonly file?: string;
  readonly mediaType?: string;
}

const DEFAULT_MEDIA_TYPE = 'application/octet-stream';

export function putCommand(): Command {
  return requestCommand('put', 'give a key a value')
    .argument('<key>')
    .argument('[value]', 'the text to put')
    .option('--file <file>', 'put the bytes of a file, or of stdin with "-"')
    .option('--media-type <type>', `what the bytes of --file are (default: ${DEFAULT_MEDIA_TYPE})`)
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
        const options = callOptions(context);
        if (typeof content === 'string') await context.mesh.put(key, content, options);
        else await context.mesh.put(key, content, { ...options, mediaType: flags.mediaType ?? DEFAULT_MEDIA_TYPE });
      });
    });
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
