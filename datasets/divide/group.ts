import { ConfigError } from '../../core/errors.js';

/**
 * Names the group of each file: what the first parentheses of a pattern match in its name, or the whole match. A file
 * that it does not match is a group of its own.
 *
 * @param fileNames relative to the image folder
 * @param pattern a regular expression; without one, every file is a group
 * @throws ConfigError if the pattern is invalid or matches no name
 */
export function groupNames(fileNames: readonly string[], pattern?: string): readonly string[] {
  const own = fileNames.map((name) => `file ${name}`);
  if (pattern === undefined) return own;
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, 'u');
  } catch (cause) {
    throw new ConfigError(
      `--group: expected a regular expression, got ${pattern} (${(cause as Error).message})`,
      { cause },
    );
  }
  const matches = fileNames.map((name) => expression.exec(name.replaceAll('\\', '/')));
  if (fileNames.length > 0 && matches.every((match) => match === null))
    throw new ConfigError(
      `--group: expected a pattern that matches file names, got ${pattern}, which matches none of ${fileNames.length}, e.g. ${fileNames[0]}`,
    );
  return matches.map((match, i) => (match ? `group ${match[1] ?? match[0]}` : own[i]));
}
