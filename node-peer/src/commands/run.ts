// `shoal run`: a function over a dataset, where its chunks lie. The result goes to stdout or to a file,
// progress and what the function prints to stderr.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { inspect } from 'node:util';
import type { Command } from 'commander';
import type { JobProgress, JobResult, JsonValue, LogLine, UdfFailure } from '@shoal/peer';
import { limits, MeshError } from '@shoal/shared';
import { callOptions, flag, type CommandContext, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { badArgument } from '../config.ts';
import { complain, createProgressLine } from '../output.ts';
import { checkOutFile, writeResult } from '../run-output.ts';

interface RunFlags extends MeshFlags {
  readonly dataset: string;
  readonly params?: JsonValue;
  readonly skipErrors?: boolean;
  readonly out?: string;
}

export function runCommand(): Command {
  return requestCommand('run', 'run a function (map, filter or aggregate) over a dataset')
    .argument('<udf>', 'an ES module in TypeScript or JavaScript with a default export')
    .requiredOption('--dataset <name>', 'the rows that it gets')
    .option('--params <json>', 'the params that it gets', flag(parseParams))
    .option('--skip-errors', 'count rows that throw, instead of ending the job')
    .option('--out <file>', 'write all rows to a file: .csv, .ndjson or .json', flag(checkOutFile))
    .option('--json', 'print { output, tasks, tookMs, failedRows, failures, logs }')
    .action(async (file: string, flags: RunFlags, command: Command) => {
      const source = await readUdf(file);
      await withMesh(command, flags, async (context) => {
        const result = await run({ file, source }, flags, context);
        try {
          await writeResult(result, flags, context.signal);
        } finally {
          // What lies on the members has no other use.
          if (result.output.kind === 'table') await result.output.table.close();
        }
        summarize(result);
      });
    });
}

async function run(
  udf: { readonly file: string; readonly source: string },
  flags: RunFlags,
  context: CommandContext,
): Promise<JobResult> {
  const progress = createProgressLine();
  try {
    return await context.mesh.run(
      { source: udf.source, fileName: basename(udf.file) },
      {
        ...callOptions(context),
        dataset: flags.dataset,
        ...(flags.params === undefined ? {} : { params: flags.params }),
        skipErrors: flags.skipErrors === true,
        onProgress: (now) => progress.show(progressText(now)),
        onLog: (line) => {
          progress.clear();
          complain(logText(line));
        },
      },
    );
  } finally {
    progress.clear();
  }
}

function progressText({ tasks, done, members }: JobProgress): string {
  const each = members.map((member) => `${member.name} ${member.done}/${member.tasks}`).join(', ');
  return `${done}/${tasks} tasks (${each})`;
}

function logText(line: LogLine): string {
  const place = [line.memberName, line.line === undefined ? undefined : `line ${line.line}`].filter(
    (part) => part !== undefined,
  );
  const level = line.level === 'log' || line.level === 'info' ? '' : `${line.level}: `;
  const values = line.values.map((value) =>
    typeof value === 'string' ? value : inspect(value, { breakLength: Infinity }),
  );
  return `[${place.join(', ')}] ${level}${values.join(' ')}`;
}

function summarize(result: JobResult): void {
  if (result.droppedLogLines > 0) complain(`${result.droppedLogLines} more lines were printed and not kept.`);
  if (result.failedRows > 0) {
    complain(`${result.failedRows} rows threw and were skipped; the first ${result.failures.length}:`);
    for (const failure of result.failures) complain(`  ${failureText(failure)}`);
  }
  const members = new Set(result.tasks.map((task) => task.member)).size;
  complain(
    `Done in ${(result.tookMs / 1000).toFixed(2)} s: ${result.tasks.length} tasks on ${members} member${members === 1 ? '' : 's'}.`,
  );
}

function failureText(failure: UdfFailure): string {
  const row = failure.rowNumber === undefined ? '' : `row ${failure.rowNumber}: `;
  const place = failure.line === undefined ? '' : ` (${failure.fileName ?? 'the function'}, line ${failure.line})`;
  return `${row}${failure.message}${place} on ${failure.memberName}`;
}

async function readUdf(file: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new MeshError('bad-file', `Can't read ${file}: ${error instanceof Error ? error.message : String(error)}.`);
  }
  if (bytes.length > limits.udfBytes) {
    throw new MeshError('bad-udf', `${file} has ${bytes.length} bytes; a function has at most ${limits.udfBytes}.`);
  }
  return new TextDecoder().decode(bytes);
}

function parseParams(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw badArgument(`--params is JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}
