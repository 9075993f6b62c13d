import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { DataError } from '../../core/errors.js';
import { decodeText } from '../files/text.js';

/**
 * Reads a YAML document as plain values.
 *
 * @throws DataError if the file cannot be read or is no YAML
 */
export function readYaml(file: string): unknown {
  try {
    const document = parseDocument(decodeText(readFileSync(file), file, 'YAML'));
    // Warnings, e.g. of an unknown tag, are errors, because they mean that the file is misread.
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) throw problem;
    return document.toJS() as unknown;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    const [line] = (cause as Error).message.split('\n');
    throw DataError.in(file, `expected YAML, got ${line}`, { cause });
  }
}
