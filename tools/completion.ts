import type { Command } from 'commander';
import { OptionError } from '../core/errors.js';
import {
  completionScript,
  SHELLS,
  type CompletedCommand,
  type Shell,
} from './completion/scripts.js';
import { pathOf } from './help.js';
import { print } from './output.js';

/** `convnextv2 completion` */
export function defineCompletion(verb: Command): void {
  verb.argument('<shell>', SHELLS.join(', ')).action((shell: string) => {
    if (!(SHELLS as readonly string[]).includes(shell))
      throw new OptionError(`completion: expected bash, zsh or fish, got ${shell}`);
    print(completionScript(shell as Shell, completedCommands(verb.parent ?? verb)));
  });
}

/** Lists a command and all below it, with all options that are not hidden. */
function completedCommands(command: Command): readonly CompletedCommand[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).filter((child) => child.name() !== 'help');
  const options = [...command.options.filter(({ hidden }) => !hidden), ...helpOption(command)];
  const own = {
    path: pathOf(command),
    commands: commands.map((child) => ({ name: child.name(), description: child.description() })),
    options: options.flatMap(({ short, long, description, required, optional, argChoices }) =>
      [short, long].flatMap((flag) =>
        flag?.startsWith('--')
          ? [{ flag, description, takesValue: required || optional, choices: argChoices ?? [] }]
          : [],
      ),
    ),
  };
  return [own, ...commands.flatMap(completedCommands)];
}

/** `--help`, which commander keeps apart from the other options. */
function helpOption(command: Command): Command['options'] {
  const all = command.createHelp().visibleOptions(command);
  return all.filter((option) => !command.options.includes(option));
}
