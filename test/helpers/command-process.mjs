// A process that runs the built commands that it is sent, one after another: starting Node for each would take longer than most of them.
import { addVerbs } from '../../dist/tools/verbs.js';
import { reportError } from '../../dist/tools/failure.js';
import { runCommand } from './run-command.mjs';

process.on('message', async (args) =>
  process.send(await runCommand(args, { addVerbs, reportError })),
);
process.send('ready');
