import type { CommanderError } from 'commander';
import { InputError } from '../core/errors.js';
import { codeOf } from '../core/failure.js';
import { inFlagWords } from '../core/option-words.js';
import { docPage } from './doc-page.js';
import { print, printError } from './output.js';

/** Section of the documentation about a kind of error. */
const pageOf = (code: ReturnType<typeof codeOf>): string => `docs/errors.md#${code}`;

/**
 * Prints an error in one line, and where to read more, and returns the exit code: 2 for invalid input, 1 for failed work.
 * The message begins with `prefix`. With `json` the error is `{"error": {code, message, file?, id?, reason, see}}` on
 * standard output: `code` is the family of the error, `reason` its kind.
 */
export function reportError(error: unknown, json: boolean, prefix = ''): 1 | 2 {
  const message = prefix + (error instanceof Error ? inFlagWords(error) : String(error));
  const code = error instanceof Error ? error.name : 'Error';
  const input = error instanceof InputError ? error : undefined;
  const reason = codeOf(error);
  const see = pageOf(reason);
  if (json) {
    const { file, id } = input ?? {};
    print(JSON.stringify({ error: { code, message, file, id, reason, see } }));
  } else {
    printError(`${code}: ${message}`);
    if (!input && process.env['CONVNEXTV2_STACK'] && error instanceof Error)
      printError(error.stack ?? '');
    printError(`see ${docPage(`errors.md#${reason}`)}`);
  }
  return input ? 2 : 1;
}

/**
 * Returns the exit code of a command line that was not understood, or that asked for help. With `json` the error is
 * `{"error": {code: "UsageError", message, usage, reason, see}}` on standard output, where `usage` is commander's code.
 */
export function reportUsage({ code, message, exitCode }: CommanderError, json: boolean): 0 | 2 {
  if (exitCode === 0) return 0;
  if (json) {
    const text =
      code === 'commander.help' ? 'expected a verb, got none' : message.replace(/^error: /, '');
    const error = { code: 'UsageError', message: text, usage: code, reason: 'usage' };
    print(JSON.stringify({ error: { ...error, see: pageOf('usage') } }));
  }
  return 2;
}
