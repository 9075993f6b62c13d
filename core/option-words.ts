import { InputError, WorkError, type FlagsOfMessage } from './errors.js';

/** A command to be typed, which stays as it is, or a flag with its number: `--batch 4`, `--val-fraction`, `--no-ema`. */
const COMMAND_OR_FLAG =
  /\b(?:convnextv2|npm|npx|mpiexec) [^;,)]*|(?<=^|[\s(])--([a-z][a-z-]*)(?: (\d+(?:\.\d+)?)(?![\w.]))?/g;

/**
 * Gives a message in the words of the program's options, and the flags that the command line says for them.
 *
 * @example
 *   `--batch 4: batchSize=4` becomes `` `batch: 4`: batchSize=4 ``, with `--batch 4` for `` `batch: 4` ``
 */
export function inOptions(message: string): {
  readonly line: string;
  readonly flags: FlagsOfMessage;
} {
  const flags: Record<string, string> = {};
  const line = message.replaceAll(
    COMMAND_OR_FLAG,
    (found: string, name: string | undefined, value: string | undefined) => {
      if (name === undefined) return found;
      const option = name
        .replace(/^no-/, '')
        .replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
      const given = name.startsWith('no-') ? 'false' : value;
      const text = given === undefined ? `\`${option}\`` : `\`${option}: ${given}\``;
      flags[text] = found;
      return text;
    },
  );
  return { line, flags };
}

/**
 * Puts the message of one of our errors in the words of the program's options, for functions whose callers typed no flags.
 *
 * @returns the same error, whatever it is
 */
export function inOptionWords(error: unknown): unknown {
  if (!(error instanceof InputError || error instanceof WorkError)) return error;
  const { message, stack } = error;
  const { line, flags } = inOptions(message);
  if (line === message) return error;
  return Object.assign(error, {
    message: line,
    stack: stack?.replace(message, () => line),
    flags: { ...error.flags, ...flags },
  });
}

/** Throws an error in the words of the program's options; for `catch` of a promise. @throws {@link inOptionWords} of it */
export function rethrowInOptionWords(error: unknown): never {
  throw inOptionWords(error);
}

/** Message of an error with the flags of the command line in place of the options of functions: the inverse of {@link inOptionWords}. */
export function inFlagWords({
  message,
  flags = {},
}: Error & { readonly flags?: FlagsOfMessage | undefined }): string {
  return Object.entries(flags).reduce(
    // Words in backticks are options wherever they stand; others may be words.
    (text, [option, flag]) =>
      option.startsWith('`')
        ? text.replaceAll(option, () => flag)
        : text.replace(option, () => flag),
    message,
  );
}
