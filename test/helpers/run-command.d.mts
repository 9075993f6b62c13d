import type { Command } from 'commander';
import type { CliResult } from './cli.js';

/** The commands of the sources or of the build. */
interface Program {
  readonly addVerbs: (program: Command) => Promise<void> | void;
  readonly reportError: (error: unknown, json: boolean) => number;
}

export function runCommand(args: readonly string[], program: Program): Promise<CliResult>;
