#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { COMMANDS } from './verbs.js';
import { reportError } from './failure.js';
import { endQuietlyWithReaders } from './output.js';
import { endWithParent, needsRelaunch, relaunch } from './relaunch.js';
import { packageVersion } from '../io/files/package-version.js';

/**
 * Command line: `convnextv2 <verb>`. Only option tables are loaded here; a verb imports its computation when it runs, so
 * `--help` is fast.
 */
async function main(): Promise<void> {
  const program = new Command('convnextv2')
    .description('ConvNeXt V2 in TypeScript: classification, detection and segmentation')
    .version(packageVersion())
    .showHelpAfterError('(--help lists the verbs and options)');
  for (const register of COMMANDS) register(program);
  exitByThrowing(program);
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else {
      process.exitCode = reportError(error, process.argv.includes('--json'));
    }
  }
}

function exitByThrowing(command: Command): void {
  command.exitOverride();
  command.commands.forEach(exitByThrowing);
}

if (needsRelaunch(process.argv[2])) process.exitCode = await relaunch();
else {
  endWithParent();
  endQuietlyWithReaders();
  await main();
}
