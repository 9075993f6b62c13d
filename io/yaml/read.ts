import { DataError, FileError } from '../../core/errors.js';
import { MAX_LIST_BYTES, readWhole, reasonOf } from '../files/read.js';
import { decodeText } from '../files/text.js';
import { parseYaml, type YamlProblem } from './parse.js';

/**
 * Reads a YAML document as plain values.
 *
 * @throws DataError if the file cannot be read or is no YAML
 */
export function readYaml(file: string): unknown {
  try {
    return parseYaml(decodeText(readWhole(file, MAX_LIST_BYTES), file, 'YAML'), { strict: true });
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    const { line } = cause as Partial<YamlProblem>;
    const place = line === undefined ? '' : ` at line ${line}`;
    throw FileError.in(file, `expected YAML, got ${reasonOf(cause)}${place}`, { cause });
  }
}
