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

/** Writes the script that completes `convnextv2` in a shell, also after `npx`. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  switch (shell) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      return zshScript(commands);
    case 'fish':
      return fishScript(commands);
    default:
      return shell satisfies never;
  }
}

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
): readonly string[] {
  return commands.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ flag, choices }) => `    "${path} ${flag}") ${line(choices)} ;;`),
  );
}

function bashScript(commands: readonly CompletedCommand[]): string {
  const words = ({ commands: below, options }: CompletedCommand): string =>
    [...below.map(({ name }) => name), ...options.map(({ flag }) => flag)].join(' ');
  return [
    '# bash completion for convnextv2',
    '_convnextv2() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" verb="" next i',
    '  local first=1',
    '  COMPREPLY=()',
    '  if [[ "${COMP_WORDS[0]##*/}" == npx ]]; then',
    '    if (( COMP_CWORD == 1 )); then COMPREPLY=($(compgen -W convnextv2 -- "$current")); return; fi',
    '    [[ "${COMP_WORDS[1]}" == convnextv2 ]] || return',
    '    first=2',
    '  fi',
    '  for ((i = first; i < COMP_CWORD; i++)); do',
    '    next="${verb:+$verb }${COMP_WORDS[i]}"',
    '    case "$next" in',
    `    ${pathCases(commands)}) verb="$next" ;;`,
    '    *) break ;;',
    '    esac',
    '  done',
    '  case "$verb $before" in',
    ...valueCases(commands, (choices) =>
      choices.length > 0
        ? `COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$current")); return`
        : 'return',
    ),
    '  esac',
    '  local words=""',
    '  case "$verb" in',
    ...commands.map((command) => `    "${command.path}") words="${words(command)}" ;;`),
    '  esac',
    '  [[ "$current" == -* || "$verb" == "" || "$words" != -* ]] || return',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    '# Without a match, files are completed.',
    'complete -o default -F _convnextv2 convnextv2',
    'complete -p npx > /dev/null 2>&1 || complete -o default -F _convnextv2 npx',
  ].join('\n');
}

function zshScript(commands: readonly CompletedCommand[]): string {
  const entry = (name: string, description: string): string =>
    quoted(`${name.replaceAll(':', '\\:')}:${description}`);
  return [
    '#compdef convnextv2',
    '_convnextv2() {',
    '  local verb="" next i',
    '  local -a commands options',
    '  if [[ "${words[1]:t}" == npx ]]; then',
    '    if (( CURRENT == 2 )); then compadd -- convnextv2; _files; return; fi',
    '    if [[ "${words[2]}" != convnextv2 ]]; then _files; return; fi',
    '    shift words; (( CURRENT-- ))',
    '  fi',
    '  for ((i = 2; i < CURRENT; i++)); do',
    '    next="${verb:+$verb }${words[i]}"',
    '    case "$next" in',
    `    ${pathCases(commands)}) verb="$next" ;;`,
    '    *) break ;;',
    '    esac',
    '  done',
    '  case "$verb ${words[CURRENT-1]}" in',
    ...valueCases(commands, (choices) =>
      choices.length > 0 ? `compadd -- ${choices.join(' ')}; return` : '_files; return',
    ),
    '  esac',
    '  case "$verb" in',
    ...commands.map(
      ({ path, commands: below, options }) =>
        `    "${path}") commands=(${below.map((c) => entry(c.name, c.description)).join(' ')})\n` +
        `      options=(${options.map((o) => entry(o.flag, o.description)).join(' ')}) ;;`,
    ),
    '  esac',
    '  if [[ "${words[CURRENT]}" == -* ]]; then _describe option options',
    '  elif (( ${#commands} )); then _describe verb commands',
    '  else _files',
    '  fi',
    '}',
    'if [[ "${funcstack[1]}" == _convnextv2 ]]; then _convnextv2 "$@"',
    'else',
    '  compdef _convnextv2 convnextv2',
    '  (( ${+_comps[npx]} )) || compdef _convnextv2 npx',
    'fi',
  ].join('\n');
}

function fishScript(commands: readonly CompletedCommand[]): string {
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
  return [
    '# fish completion for convnextv2',
    'function __convnextv2_words -d "the command line without npx"',
    '    set -l words (commandline -opc)',
    '    test "$words[1]" = npx; and set -e words[1]',
    '    string join -- \\n $words',
    'end',
    'function __convnextv2_in -d "whether the command line begins with these verbs"',
    '    set -l words (__convnextv2_words)',
    '    set -l number (count $argv)',
    '    set -l last (math $number + 1)',
    '    string match -q -- "*convnextv2" $words[1]; and test (count $words) -gt $number; and test "$words[2..$last]" = "$argv"',
    'end',
    'function __convnextv2_at -d "whether the command line is these verbs"',
    '    set -l words (__convnextv2_words)',
    '    string match -q -- "*convnextv2" $words[1]; and test "$words[2..-1]" = "$argv"',
    'end',
    ...lines,
  ].join('\n');
}

/** Quotes a text for zsh and fish, in one line. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", '’').replaceAll('\n', ' ')}'`;
}
