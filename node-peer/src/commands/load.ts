// `shoal load`: reads a file by slices into a dataset. Its record is written last: a load that fails or
// is cancelled leaves nothing.

import { type Command, Option } from 'commander';
import type { DatasetInfo, FileFormat } from '@shoal/peer';
import { callOptions, type CommandContext, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { openFileSource } from '../file-source.ts';
import { complain, createProgressLine, printJson } from '../output.ts';

interface LoadFlags extends MeshFlags {
  readonly name: string;
  readonly replace?: boolean;
  readonly textColumn?: readonly string[];
  readonly format?: FileFormat;
}

const FORMATS: readonly FileFormat[] = ['csv', 'ndjson', 'json-array', 'text'];

export function loadCommand(): Command {
  return requestCommand('load', 'read a file (CSV, NDJSON, JSON array, plain text) into a dataset')
    .argument('<file>')
    .requiredOption('--name <name>', 'the name of the dataset')
    .option('--replace', 'it may be there already')
    .addOption(
      new Option('--format <format>', 'what the file is, where its name and first bytes do not tell').choices(FORMATS),
    )
    .option('--text-column <column...>', 'read these columns as text whatever their values look like')
    .option('--json', 'print what was loaded: columns and counts')
    .action(async (file: string, flags: LoadFlags, command: Command) => {
      await withMesh(command, flags, async (context) => {
        const info = await load(file, flags, context);
        if (flags.json === true) await printJson(info);
        describe(info);
      });
    });
}

async function load(file: string, flags: LoadFlags, context: CommandContext): Promise<DatasetInfo> {
  const source = await openFileSource(file);
  const progress = createProgressLine();
  try {
    return await context.mesh.load(source, {
      ...callOptions(context),
      name: flags.name,
      replace: flags.replace === true,
      ...(flags.format === undefined ? {} : { format: flags.format }),
      ...(flags.textColumn === undefined ? {} : { textColumns: flags.textColumn }),
      onProgress: ({ bytesRead, sizeBytes, rows }) => {
        const percent = sizeBytes === 0 ? 100 : Math.floor((100 * bytesRead) / sizeBytes);
        progress.show(`${flags.name}: ${percent} %, ${rows} rows`);
      },
    });
  } finally {
    progress.clear();
  }
}

function describe(info: DatasetInfo): void {
  complain(`Loaded "${info.name}": ${info.rowCount} rows, ${info.columns.length} columns, ${info.chunkCount} chunks.`);
  if (info.brokenLines > 0) {
    complain(`${count(info.brokenLines, 'line')} could not be read, the first is line ${info.firstBrokenLine ?? '?'}.`);
  }
  for (const column of info.columns) {
    if (column.unfit === 0) continue;
    complain(
      `${count(column.unfit, 'value')} of "${column.name}" did not fit ${column.type} and became missing, the first in line ${column.firstUnfitLine ?? '?'}; --text-column "${column.name}" keeps them as text.`,
    );
  }
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
