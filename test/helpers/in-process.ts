import { Command, CommanderError } from 'commander';
import { COMMANDS } from '../../tools/verbs.js';
import { reportError } from '../../tools/failure.js';
import type { CliResult } from './cli.js';

/**
 * Runs a command line in this process, as `tools/cli.ts` does without the relaunch: a hundred mistakes need not start Node a
 * hundred times.
 */
export async function runInProcess(args: readonly string[]): Promise<CliResult> {
  let [stdout, stderr] = ['', ''];
  const { log, error, warn } = console;
  const write = { out: process.stdout.write, err: process.stderr.write };
  const catchOut = (text: unknown): boolean => ((stdout += String(text)), true);
  const catchErr = (text: unknown): boolean => ((stderr += String(text)), true);
  const before = process.exitCode;
  console.log = (...parts: unknown[]) => void catchOut(`${parts.join(' ')}\n`);
  console.error = (...parts: unknown[]) => void catchErr(`${parts.join(' ')}\n`);
  console.warn = console.error;
  process.stdout.write = catchOut;
  process.stderr.write = catchErr;
  process.exitCode = 0;
  try {
    const program = new Command('convnextv2').exitOverride();
    for (const register of COMMANDS) register(program);
    exitByThrowing(program);
    await program.parseAsync([...args], { from: 'user' });
  } catch (thrown) {
    process.exitCode =
      thrown instanceof CommanderError
        ? thrown.exitCode === 0
          ? 0
          : 2
        : reportError(thrown, args.includes('--json'));
  } finally {
    Object.assign(console, { log, error, warn });
    process.stdout.write = write.out;
    process.stderr.write = write.err;
  }
  const code = Number(process.exitCode);
  process.exitCode = before;
  return { code, stdout, stderr };
}

function exitByThrowing(command: Command): void {
  command.exitOverride();
  command.commands.forEach(exitByThrowing);
}
