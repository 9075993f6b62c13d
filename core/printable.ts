import { WeightsError } from './errors.js';

/** Control characters, which would break a message into lines or color a terminal. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const MAX_LENGTH = 200;

/** Text from a file as it may stand in a message: one line, not too long. */
export function printable(text: string): string {
  const escaped = text
    .slice(0, MAX_LENGTH)
    .replace(CONTROL, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return text.length > MAX_LENGTH ? `${escaped}…` : escaped;
}

/** Refuses tensor names that no program writes, so that later messages can quote names as they are. */
export function assertPrintableName(file: string, name: string): void {
  if (printable(name) === name) return;
  throw new WeightsError(
    `${file}: expected tensor names of up to ${MAX_LENGTH} printable characters, got "${printable(name)}"`,
    { file },
  );
}
