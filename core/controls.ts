/** Control characters, which would break a message into lines, color a terminal or reverse text. */
const CONTROL =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
/** Control characters without line breaks and tabs. */
const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text from a file as it may stand in a line, e.g. a message or a cell of a table: line breaks are escaped, too. */
export const oneLine = (text: string): string => text.replace(CONTROL, escaped);

/**
 * Escapes control characters in lines that may quote data (`\u001b`), so that a class or file name cannot color, erase or
 * command a terminal. Line breaks and tabs stay; JSON stays JSON.
 */
export const withoutControls = (text: string): string => text.replace(UNSAFE, escaped);
