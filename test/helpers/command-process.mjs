// A process that runs the built commands that it is sent, one after another: starting Node for each would take longer than most of them.
import { COMMANDS } from '../../dist/tools/verbs.js';
import { reportError } from '../../dist/tools/failure.js';
import { runCommand } from './run-command.mjs';

process.on('message', async (args) =>
  process.send(await runCommand(args, { commands: COMMANDS, reportError })),
);
process.send('ready');
