/** Words that a shell takes as they are. */
const PLAIN = /^[\w./:@%+,=-]+$/;

/** A path or name in a command to copy: in quotes if the shell would take it apart. */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
