// `shoal adopt`: after the server's table is lost, or only an old copy is left, a new one is made of what the
// members know. Shows who has reported and who is missing, and writes when that is confirmed.

import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { type Adopted, shortId } from '@shoal/shared';
import { askServer, type MeshFlags, requestCommand } from '../command-line.ts';
import { complain, printJson } from '../output.ts';

interface AdoptFlags extends MeshFlags {
  readonly yes?: boolean;
}

export function adoptCommand(): Command {
  return requestCommand('adopt', "make a new table from what the members know, when the server's is lost or old")
    .option('--yes', 'write it; otherwise shows who reported and who is missing, and asks')
    .option('--json', 'print { reported: [{ id, name }], missing: [{ id, name }], lost, written }')
    .action(async (flags: AdoptFlags, command: Command) => {
      await askServer(command, flags, async (adopt, signal) => {
        const known = await adopt({ write: false });
        for (const line of describe(known)) complain(line);
        const isMeant = flags.yes === true || (await confirm(signal));
        const done = isMeant ? await adopt({ write: true }) : known;
        complain(
          done.written
            ? 'The new table is written; each slot is served again when its copies are equal.'
            : 'Nothing was written. `shoal adopt --yes` writes it.',
        );
        if (flags.json === true) await printJson(done);
      });
    });
}

function describe({ reported, missing, lost }: Adopted): readonly string[] {
  const names = (members: Adopted['reported']): string =>
    members.map(({ id, name }) => (name === shortId(id) ? name : `${name} (${shortId(id)})`)).join(', ');
  const lines = [`Reported: ${names(reported)}.`];
  if (missing.length === 0) return [...lines, 'Nobody that the newest rows name is missing.'];
  lines.push(`Missing: ${names(missing)}. If one of them can still be started, start it first: it may know more.`);
  if (lost > 0)
    lines.push(`${lost} slots have no copy at those who reported, and stay lost until a missing one is back.`);
  return lines;
}

/** Only a person at a terminal is asked. */
async function confirm(signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question('Members stop serving for some seconds. Make the new table? [y/N] ', {
      signal,
    });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
