import { Command, CommanderError } from 'commander';
import { withoutControls } from '../core/controls.js';
import { packageVersion } from '../io/files/package-version.js';
import { docPage } from './doc-page.js';
import { reportError, reportUsage } from './failure.js';
import { completeHelp, nameUnknownFirst, pathOf, shortenHelp } from './help.js';
import { addVerbs, VERBS } from './verbs.js';
import { waitsFor } from './waiting.js';

/**
 * Creates the command line without running it. Errors are thrown.
 *
 * @param json whether usage errors are documents
 * @param called names of the verbs that are complete; default: all
 */
export async function createProgram(json = false, called?: readonly string[]): Promise<Command> {
  const program = new Command('convnextv2')
    .description('ConvNeXt V2 in TypeScript: classification, detection and segmentation')
    .version(packageVersion())
    .showHelpAfterError(`(--help lists the verbs and options; see ${docPage('errors.md#usage')})`);
  // A name that a shell has put in place of * may have control characters.
  program.configureOutput(
    json
      ? { outputError: () => undefined, writeErr: () => undefined }
      : { writeErr: (text) => process.stderr.write(withoutControls(text)) },
  );
  shortenHelp(program);
  await addVerbs(program, called);
  completeHelp(program);
  nameUnknownFirst(program);
  exitByThrowing(program);
  program.hook('preAction', (_, command) => waitsFor(`loading what ${pathOf(command)} needs`));
  return program;
}

/** Runs a command line. @param args arguments without those of Node @returns exit code, unless the verb has set one */
export async function runProgram(args: readonly string[]): Promise<number | undefined> {
  const json = args.includes('--json');
  try {
    const program = await createProgram(json, calledBy(args));
    await program.parseAsync([...args], { from: 'user' });
    return undefined;
  } catch (error) {
    return error instanceof CommanderError ? reportUsage(error, json) : reportError(error, json);
  }
}

/** Names of the verbs that a command line needs; all where it is about others: completion, help and unknown ones. */
function calledBy(args: readonly string[]): readonly string[] | undefined {
  const [word] = args.filter((arg) => !arg.startsWith('-'));
  if (word === undefined) return [];
  return word !== 'completion' && VERBS.some(({ name }) => name === word) ? [word] : undefined;
}

function exitByThrowing(command: Command): void {
  command.exitOverride();
  command.commands.forEach(exitByThrowing);
}
