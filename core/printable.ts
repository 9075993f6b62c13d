import { WeightsError } from './errors.js';

/** Control characters, which would break a message into lines or color a terminal. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const MAX_LENGTH = 200;

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text from a file as it may stand in a line, e.g. a cell of a table: line breaks are escaped, too. */
export const oneLine = (text: string): string => text.replace(CONTROL, escaped);

/** Text from a file as it may stand in a message: one line, not too long. */
export function printable(text: string): string {
  const line = oneLine(text.slice(0, MAX_LENGTH));
  return text.length > MAX_LENGTH ? `${line}…` : line;
}

/** What may not reach a terminal or page from data: all but line breaks and tabs, and marks that reverse text. */
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Escapes control characters in lines that may quote data (`\u001b`), so that a class or file name cannot color, erase or
 * command a terminal. Line breaks and tabs stay; JSON stays JSON.
 */
export const withoutControls = (text: string): string => text.replace(UNSAFE, escaped);

/** Refuses tensor names that no program writes, so that later messages can quote names as they are. */
export function assertPrintableName(file: string, name: string): void {
  if (printable(name) === name) return;
  throw new WeightsError(
    `${file}: expected tensor names of up to ${MAX_LENGTH} printable characters, got "${printable(name)}"`,
    { file },
  );
}
