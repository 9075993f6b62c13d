import { stat } from 'node:fs/promises';
import { WeightsFileError } from '../core/errors.js';
import { writeJsonAtomically } from '../io/files/atomic.js';
import { readJsonIfPresent } from '../io/files/json.js';
import { sha256OfFile } from '../io/files/sha256.js';

/** Record of a file in the cache, stored next to it as `FILE.json`. */
interface FileRecord {
  /** URL of the source; `null` if the user placed the file. */
  readonly url: string | null;
  readonly bytes: number;
  readonly sha256: string;
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** Spelled as in the files of the first release. */
  readonly licence: string | null;
  /** ISO 8601. */
  readonly recordedAt: string;
}

/** Records a file, with the current time. */
export async function writeRecord(
  file: string,
  record: Omit<FileRecord, 'recordedAt'>,
): Promise<void> {
  await writeJsonAtomically(`${file}.json`, { ...record, recordedAt: new Date().toISOString() });
}

/**
 * Reads the record of a file, or returns undefined if there is none.
 *
 * @throws WeightsError if the record is damaged
 */
export async function readRecord(file: string): Promise<FileRecord | undefined> {
  const path = `${file}.json`;
  const expected = 'a record with sha256 and bytes';
  const json = readJsonIfPresent(path, expected, WeightsFileError);
  if (json === undefined) return undefined;
  const { sha256, bytes } = Object(json) as FileRecord;
  const isHash = typeof (sha256 as unknown) === 'string' && /^[0-9a-f]{64}$/.test(sha256);
  if (isHash && Number.isSafeInteger(bytes)) return json as FileRecord;
  throw WeightsFileError.in(path, `expected ${expected} (delete it to make a new one)`);
}

/**
 * Checks a file against its record.
 *
 * @returns the checksum, and whether there is a record
 * @throws WeightsError if length or checksum differ
 */
export async function checkRecord(
  file: string,
): Promise<{ readonly sha256: string; readonly bytes: number; readonly recorded: boolean }> {
  const record = await readRecord(file);
  const { size } = await stat(file);
  if (record && record.bytes !== size) fail(file, `${record.bytes} bytes`, `${size}`);
  const sha256 = await sha256OfFile(file);
  if (record && record.sha256 !== sha256) fail(file, `sha256 ${record.sha256}`, sha256);
  return { sha256, bytes: size, recorded: record !== undefined };
}

function fail(file: string, expected: string, got: string): never {
  throw WeightsFileError.in(
    file,
    `expected ${expected} as recorded, got ${got} (the file changed; delete it and pull it again)`,
  );
}
