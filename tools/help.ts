import { CommanderError, Help, type Command, type Option } from 'commander';
import { EXAMPLES } from './examples.js';

/** Heading of options that few people need; `--help-all` lists them. */
export const RARE = 'More options:';

/** Heading of options for weight files without a model card; `--help-all` lists them. */
export const WEIGHT_FILES = 'For weight files that do not say it:';

/** Commands whose help lists all options. */
const complete = new WeakSet<Command>();

const isRare = ({ helpGroupHeading: heading }: Option): boolean =>
  heading === RARE || heading === WEIGHT_FILES;

/** Returns the names of a command and those above it, without the program: `data check`, or nothing for the program. */
export function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null ? '' : `${pathOf(parent)} ${command.name()}`.trim();
}

/**
 * Makes the help of a program list common options only; hints at misspelled options know all. Commands that are added later
 * inherit it.
 */
export function shortenHelp(program: Command): void {
  program.configureHelp({
    subcommandTerm: (command) => command.name(),
    formatHelp: (command, helper) => {
      helper.visibleOptions = (of) => {
        const all = new Help().visibleOptions(of);
        return complete.has(of) ? all : all.filter((option) => !isRare(option));
      };
      return Help.prototype.formatHelp.call(helper, command, helper);
    },
  });
}

/** Methods of commander that its types leave out. */
interface Refusals {
  missingMandatoryOptionValue(option: Option): void;
  unknownOption(flag: string): void;
}

/** Makes an unknown option the error where a required one is missing, too: it often is that one, misspelled. */
export function nameUnknownFirst(command: Command): void {
  const refusals = command as Command & Refusals;
  const refuseMissing = refusals.missingMandatoryOptionValue.bind(command);
  refusals.missingMandatoryOptionValue = (option) => {
    const unknown = command.args.find((word) => /^-./.test(word));
    if (unknown !== undefined) refusals.unknownOption(unknown);
    refuseMissing(option);
  };
  command.commands.forEach(nameUnknownFirst);
}

/** Adds examples to a command and all below it, and `--help-all` where its help leaves options out. */
export function completeHelp(command: Command): void {
  const examples = EXAMPLES[pathOf(command)] ?? [];
  if (examples.length > 0)
    command.addHelpText(
      'after',
      ['', 'Examples:', ...examples.map((line) => `  ${line}`)].join('\n'),
    );
  const left = command.options.filter(isRare).length;
  if (left > 0) {
    command.optionsGroup('').option('--help-all', `list ${left} more options`);
    command.on('option:help-all', () => {
      complete.add(command);
      command.outputHelp();
      throw new CommanderError(0, 'commander.helpDisplayed', '(outputHelp)');
    });
  }
  command.commands.forEach(completeHelp);
}
