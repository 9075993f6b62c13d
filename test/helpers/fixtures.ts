import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, parse, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PARITY_FIXTURES } from './expected-fixtures.js';
import { countAbsent } from './leave-out.js';

/** A fixture: its json, the folder it lies in, and the tensors of its safetensors file. */
export interface Fixture<Json> {
  readonly name: string;
  readonly folder: string;
  readonly json: Json;
  readonly tensors: ReadonlyMap<string, FixtureTensor>;
}

/** A tensor as stored: PyTorch's layout; F32, I32 and U8 occur. */
export interface FixtureTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

const COMMITTED = resolve(dirname(fileURLToPath(import.meta.url)), '../fixtures');

/** The folder named by `CONVNEXTV2_FIXTURES`, or else the committed one. */
export const FIXTURES = process.env['CONVNEXTV2_FIXTURES']
  ? resolve(process.env['CONVNEXTV2_FIXTURES'])
  : COMMITTED;

/** Whether fixtures of another folder are read, where kinds may be missing. */
export const FOREIGN_FIXTURES = FIXTURES !== COMMITTED;

/**
 * Every `KIND.json` and `KIND_*.json` of the fixture folder and its `small/`, by name. `backbone` must not take
 * `backbone_hf` (there is only a safetensors of that name), and `fcmae` takes `fcmae_64`, `fcmae_96`, ….
 *
 * @param committed false for a kind that is too large to be committed
 * @throws Error if a committed file is missing or not listed: parity must not vanish. In the folder of `CONVNEXTV2_FIXTURES` kinds may be
 * missing; they are counted at the end of the run
 */
export function discoverFixtures<Json>(
  kind: string,
  { committed = true } = {},
): readonly Fixture<Json>[] {
  const isOfKind = (file: string): boolean => {
    const { name, ext } = parse(file);
    return (
      (ext === '.json' || ext === '.safetensors') && (name === kind || name.startsWith(`${kind}_`))
    );
  };
  const found = ['', 'small/'].flatMap((under) => {
    const folder = join(FIXTURES, under);
    if (!existsSync(folder)) return [];
    const files = readdirSync(folder)
      .sort()
      .map((file) => under + file);
    return files.filter(isOfKind);
  });
  reportMissing(kind, found, committed ? PARITY_FIXTURES.filter(isOfKind) : found);
  return found
    .filter((file) => file.endsWith('.json'))
    .map((file) => loadFixture<Json>(join(FIXTURES, dirname(file)), basename(file, '.json')));
}

/**
 * Compares the files found of a kind with the committed ones. Of fixtures of others, a kind without files is counted as
 * left out.
 *
 * @throws Error if a committed file is missing, or one is not in the list of `expected-fixtures.ts`
 */
export function reportMissing(
  kind: string,
  found: readonly string[],
  expected: readonly string[],
): void {
  if (!FOREIGN_FIXTURES) {
    const missing = expected.filter((file) => !found.includes(file));
    const unlisted = found.filter((file) => !expected.includes(file));
    if (missing.length > 0 || unlisted.length > 0)
      throw new Error(
        `fixtures of kind ${kind} in ${FIXTURES}: expected the files of test/helpers/expected-fixtures.ts, got ` +
          `missing ones (${missing.join(', ') || 'none'}) and unlisted ones (${unlisted.join(', ') || 'none'})`,
      );
  }
  if (!found.some((file) => file.endsWith('.json'))) countAbsent(kind);
}

function loadFixture<Json>(folder: string, name: string): Fixture<Json> {
  const json = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Json;
  const file = join(folder, `${name}.safetensors`);
  return {
    name,
    folder,
    json,
    tensors: existsSync(file) ? readTensors(file) : new Map<string, FixtureTensor>(),
  };
}

/** A small reader of its own, so that the oracle does not depend on the code under test. */
export function readTensors(file: string): ReadonlyMap<string, FixtureTensor> {
  const bytes = readFileSync(file);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, FixtureTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [start, end] = entry.data_offsets;
    const buffer = new Uint8Array(bytes.subarray(8 + headerLength + start, 8 + headerLength + end))
      .buffer;
    const data =
      entry.dtype === 'F32'
        ? new Float32Array(buffer)
        : entry.dtype === 'I32'
          ? new Int32Array(buffer)
          : new Uint8Array(buffer);
    tensors.set(name, { shape: entry.shape, data });
  }
  return tensors;
}

/** Largest |a − b|; NaN anywhere or different lengths give Infinity. */
export function maxError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]);
    if (!(error <= worst)) worst = Number.isNaN(error) ? Infinity : error;
  }
  return worst;
}

/** Largest |x|. */
export function maxAbs(values: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < values.length; i++) worst = Math.max(worst, Math.abs(values[i]));
  return worst;
}
