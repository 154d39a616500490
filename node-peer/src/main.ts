// The `shoal` command: its verbs, each in a file of `commands`.

import { Command } from 'commander';
import { endProcess } from './adapters/process.ts';
import { runProgram } from './command-line.ts';
import { adoptCommand } from './commands/adopt.ts';
import { datasetsCommand } from './commands/datasets.ts';
import { drainCommand } from './commands/drain.ts';
import { dropCommand } from './commands/drop.ts';
import { forgetCommand } from './commands/forget.ts';
import { getCommand } from './commands/get.ts';
import { loadCommand } from './commands/load.ts';
import { lsCommand } from './commands/ls.ts';
import { peerCommand } from './commands/peer.ts';
import { putCommand } from './commands/put.ts';
import { recoverCommand } from './commands/recover.ts';
import { rmCommand } from './commands/rm.ts';
import { runCommand } from './commands/run.ts';
import { serveCommand } from './commands/serve.ts';
import { statusCommand } from './commands/status.ts';
import { endWithReader } from './output.ts';

/** A native thread or a socket that lingers must not hold the process for longer. */
const EXIT_GRACE_MS = 100;

const program = new Command('shoal')
  .description('A compute mesh made of browser tabs and Node processes.')
  .showHelpAfterError('(--help tells more)')
  .helpCommand(false);

const verbs = [
  serveCommand(),
  peerCommand(),
  statusCommand(),
  putCommand(),
  getCommand(),
  lsCommand(),
  rmCommand(),
  loadCommand(),
  datasetsCommand(),
  dropCommand(),
  runCommand(),
  drainCommand(),
  forgetCommand(),
  recoverCommand(),
  adoptCommand(),
];
for (const verb of verbs) program.addCommand(verb.copyInheritedSettings(program).exitOverride());
program.exitOverride();

endWithReader();
endProcess(await runProgram(program, process.argv.slice(2)), EXIT_GRACE_MS);
