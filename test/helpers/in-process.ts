import { addVerbs } from '../../tools/verbs.js';
import { reportError } from '../../tools/failure.js';
import type { CliResult } from './cli.js';
import { runCommand } from './run-command.mjs';

/** Runs a command line in this process: a hundred mistakes need not start Node a hundred times. */
export const runInProcess = (args: readonly string[]): Promise<CliResult> =>
  runCommand(args, { addVerbs, reportError });
