// `shoal datasets`: the tables that lie on the members.

import type { Command } from 'commander';
import { type DatasetInfo, lackOf } from '@shoal/peer';
import { callOptions, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { printable, printJson, printLine } from '../output.ts';
import { formatTable } from '../text-table.ts';

export function datasetsCommand(): Command {
  return requestCommand('datasets', 'list the datasets')
    .option('--json', 'print an array with columns and counts')
    .action(async (flags: MeshFlags, command: Command) => {
      await withMesh(command, flags, async (context) => {
        const datasets = await context.mesh.datasets(callOptions(context));
        const lack = lackOf(context.mesh.status().members);
        await (flags.json === true ? printJson(datasets) : printTable(datasets, lack === undefined));
        if (lack !== undefined) throw lack;
      });
    });
}

async function printTable(datasets: readonly DatasetInfo[], isAll: boolean): Promise<void> {
  if (datasets.length === 0 && isAll) return printLine('There are no datasets; `shoal load` makes one.');
  if (datasets.length === 0) return undefined;
  const rows = datasets.map((dataset) => [
    printable(dataset.name),
    `${dataset.rowCount}`,
    `${dataset.columns.length}`,
    `${dataset.chunkCount}`,
    printable(dataset.source),
  ]);
  return printLine(formatTable(['name', 'rows', 'columns', 'chunks', 'source'], rows));
}
