import { statSync } from 'node:fs';
import { ConfigError } from '../../core/errors.js';

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
      throw new ConfigError(
        `${option}: expected outputs that are none of the inputs, got ${output}, which is ${input}; choose another name or folder`,
        { file: output },
      );
  }
}

function identityOf(file: string): string | undefined {
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return undefined; // not there yet, or not readable, which its reader reports
  }
}
