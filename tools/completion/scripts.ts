import { readFileSync } from 'node:fs';

/** Shells for which there are scripts. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** Name of a shell. */
export type Shell = (typeof SHELLS)[number];

/** A command as a shell completes it. */
export interface CompletedCommand {
  /** Names below the program: `data check`; empty for the program. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletedOption[];
}

/** A long option. */
interface CompletedOption {
  /** `--data` */
  readonly flag: string;
  readonly description: string;
  readonly takesValue: boolean;
  /** Values; empty: anything, and files are completed. */
  readonly choices: readonly string[];
}

/** Parts of a script that depend on the commands, by their place in its template. */
type Parts = Readonly<Record<string, string>>;

/** Writes the script that completes `convnextv2` in a shell, also after `npx`. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  const template = readFileSync(new URL(`./script.${shell}`, import.meta.url), 'utf8');
  const parts = PARTS[shell](commands);
  return template.trimEnd().replace(/@(\w+)@/g, (_, name: string) => parts[name]);
}

const PARTS: Readonly<Record<Shell, (commands: readonly CompletedCommand[]) => Parts>> = {
  bash: bashParts,
  zsh: zshParts,
  fish: fishParts,
};

/** Cases of the paths of all commands, so that a word extends a path only where such a command exists. */
const pathCases = (commands: readonly CompletedCommand[]): string =>
  commands
    .filter(({ path }) => path !== '')
    .map(({ path }) => `"${path}"`)
    .join('|');

/** Lines `"path --option") values ;;` of options with a value. */
function valueCases(
  commands: readonly CompletedCommand[],
  line: (choices: readonly string[]) => string,
): string {
  const cases = commands.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ flag, choices }) => `    "${path} ${flag}") ${line(choices)} ;;`),
  );
  return cases.join('\n');
}

function bashParts(commands: readonly CompletedCommand[]): Parts {
  const words = ({ commands: below, options }: CompletedCommand): string =>
    [...below.map(({ name }) => name), ...options.map(({ flag }) => flag)].join(' ');
  return {
    paths: pathCases(commands),
    values: valueCases(commands, (choices) =>
      choices.length > 0
        ? `COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$current")); return`
        : 'return',
    ),
    words: commands
      .map((command) => `    "${command.path}") words="${words(command)}" ;;`)
      .join('\n'),
  };
}

function zshParts(commands: readonly CompletedCommand[]): Parts {
  const entry = (name: string, description: string): string =>
    quoted(`${name.replaceAll(':', '\\:')}:${description}`);
  const words = commands.map(
    ({ path, commands: below, options }) =>
      `    "${path}") commands=(${below.map((c) => entry(c.name, c.description)).join(' ')})\n` +
      `      options=(${options.map((o) => entry(o.flag, o.description)).join(' ')}) ;;`,
  );
  return {
    paths: pathCases(commands),
    values: valueCases(commands, (choices) =>
      choices.length > 0 ? `compadd -- ${choices.join(' ')}; return` : '_files; return',
    ),
    words: words.join('\n'),
  };
}

function fishParts(commands: readonly CompletedCommand[]): Parts {
  const lines = commands.flatMap(({ path, commands: below, options }) => {
    const at = `complete -c convnextv2 -c npx -n ${quoted(`__convnextv2_at ${path}`.trim())}`;
    const named = `complete -c convnextv2 -c npx -n ${quoted(`__convnextv2_in ${path}`.trim())}`;
    return [
      ...below.map(({ name, description }) => `${at} -f -a ${name} -d ${quoted(description)}`),
      ...options.map(({ flag, description, takesValue, choices }) =>
        [
          path === '' ? at : named,
          `-l ${flag.slice(2)} -d ${quoted(description)}`,
          ...(choices.length > 0
            ? [`-x -a ${quoted(choices.join(' '))}`]
            : takesValue
              ? ['-r']
              : []),
        ].join(' '),
      ),
    ];
  });
  return { words: lines.join('\n') };
}

/** Quotes a text for zsh and fish, in one line. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", '’').replaceAll('\n', ' ')}'`;
}
