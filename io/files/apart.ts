import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { OutputError } from '../../core/errors.js';
import { assertWritableFolder } from './out-folder.js';
import { readBytesSync } from './read.js';

/**
 * Checks before any work that no output replaces an input, also under another name: links and folders that are one are
 * told by device and number of the file.
 *
 * @param option option that names the outputs: `--out DIR`
 * @throws ConfigError naming both files
 */
export function assertApart(
  option: string,
  outputs: readonly string[],
  inputs: readonly string[],
): void {
  const known = new Map<string, string>();
  for (const input of inputs) {
    const id = identityOf(input);
    if (id !== undefined) known.set(id, input);
  }
  for (const output of outputs) {
    const id = identityOf(output);
    const input = id === undefined ? undefined : known.get(id);
    if (input !== undefined)
      throw new OutputError(
        `${option}: expected outputs that are none of the inputs, got ${output}, which is ${input}; choose another name or folder`,
        { file: output },
      );
  }
}

/** Start of a file that shows of which kind it is. */
const START_BYTES = 2 ** 16;

/** A kind of files that a command writes under a name of the user's choice. */
export interface OutputKind {
  /** Noun with its article. */
  readonly name: string;
  /** Tells files of this kind by their start. */
  readonly isStart: (text: string) => boolean;
}

/** Pages. */
export const PAGE: OutputKind = {
  name: 'an HTML page',
  isStart: (text) => /^\s*<!doctype html/i.test(text),
};

/**
 * Checks before any work that a file to be written can be, and that it is new, empty or of the kind that the command writes: with a slip of the
 * keyboard, `--out` would replace annotations or weights.
 *
 * @param option option that names the file: `--out`
 * @throws ConfigError for another file or a folder
 */
export function assertReplaceable(
  option: string,
  file: string,
  { name, isStart }: OutputKind,
): void {
  if (!existsSync(file)) return assertWritableFolder(dirname(file), option);
  const start = statSync(file).isFile() ? readBytesSync(file, START_BYTES) : undefined;
  if (start && (start.length === 0 || isStart(Buffer.from(start).toString('latin1'))))
    return assertWritableFolder(dirname(file), option);
  const got = start ? 'another file, which it would replace' : 'a folder or device';
  throw OutputError.in(
    file,
    `${option}: expected a new file or ${name}, got ${got}; choose another name`,
  );
}

function identityOf(file: string): string | undefined {
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return undefined; // not there yet, or not readable, which its reader reports
  }
}
