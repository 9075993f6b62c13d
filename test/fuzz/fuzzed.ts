import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIXTURES } from '../helpers/fixtures.js';

/** A reader under test. */
export interface Fuzzed {
  readonly name: string;
  /** Valid inputs. */
  readonly corpus: readonly Uint8Array[];
  /** Name of the file that an input is written to. */
  readonly file: string;
  /** Reads the input; may throw an InputError, and nothing else. */
  readonly read: (file: string, bytes: Uint8Array) => unknown;
  /** Makes lengths and checksums of a damaged input right, so that the damage is read. */
  readonly sealed?: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** Documents whose values are changed; default: those of a corpus in JSON or YAML. */
  readonly documents?: readonly unknown[];
  /** File of a changed document; default: its text. */
  readonly framed?: (text: string) => Uint8Array;
}

/** Bytes of a small fixture. */
export const small = (name: string): Uint8Array => readFileSync(join(FIXTURES, 'small', name));

/** Bytes of texts. */
export const bytes = (...texts: readonly string[]): readonly Uint8Array[] =>
  texts.map((text) => Buffer.from(text));
