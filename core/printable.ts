import { oneLine } from './controls.js';
import { WeightsError } from './errors.js';

const MAX_LENGTH = 200;

/** Text from a file as it may stand in a message: one line, not too long. */
export function printable(text: string): string {
  const line = oneLine(text.slice(0, MAX_LENGTH));
  return text.length > MAX_LENGTH ? `${line}…` : line;
}

/** Refuses tensor names that no program writes, so that later messages can quote names as they are. */
export function assertPrintableName(file: string, name: string): void {
  if (printable(name) === name) return;
  throw new WeightsError(
    `${file}: expected tensor names of up to ${MAX_LENGTH} printable characters, got "${printable(name)}"`,
    { file },
  );
}
