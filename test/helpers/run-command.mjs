import { Command, CommanderError } from 'commander';

/** Runs a command line as `tools/cli.ts` does without the relaunch, and catches what it prints. */
export async function runCommand(args, { addVerbs, reportError }) {
  let [stdout, stderr] = ['', ''];
  const { log, error, warn } = console;
  const write = { out: process.stdout.write, err: process.stderr.write };
  const catchOut = (text) => ((stdout += String(text)), true);
  const catchErr = (text) => ((stderr += String(text)), true);
  const before = process.exitCode;
  console.log = (...parts) => void catchOut(`${parts.join(' ')}\n`);
  console.error = (...parts) => void catchErr(`${parts.join(' ')}\n`);
  console.warn = console.error;
  process.stdout.write = catchOut;
  process.stderr.write = catchErr;
  process.exitCode = 0;
  try {
    const program = new Command('convnextv2').exitOverride();
    await addVerbs(program);
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

function exitByThrowing(command) {
  command.exitOverride();
  command.commands.forEach(exitByThrowing);
}
