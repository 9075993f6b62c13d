import { join } from 'node:path';
import { jsonText, writeAtomicallySync } from '../io/files/atomic.js';
import * as t from '../core/schema.js';
import { readCheckedJson } from '../io/checked-json.js';
import { ReportPictures } from './evaluation-document.js';
import { runFile } from '../io/run-folder.js';

/** Name of the folder in a run folder with predictions for a few images at the last evaluation. */
export const SAMPLES = 'samples';

/** Number of images that are drawn at every evaluation. */
const COUNT = 4;

/** Chooses evenly spaced, reproducible indices of a list. @param length of the list */
export function sampleIndices(length: number): readonly number[] {
  const count = Math.min(COUNT, length);
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * length) / count));
}

/** Writes the list of an evaluation's existing pictures. */
export function writeSamples(folder: string, pictures: ReportPictures): void {
  writeAtomicallySync(join(folder, LIST), jsonText(pictures));
}

/**
 * Reads the pictures of the last evaluation, or returns undefined if there are none. @throws DataError if the list is
 * damaged
 */
export function readSamples(folder: string): ReportPictures | undefined {
  const file = runFile(folder, LIST);
  return readCheckedJson(file, t.withUnknownFields(ReportPictures), 'a list of sample pictures');
}

/** Path of the list in a run folder. */
const LIST = join(SAMPLES, 'samples.json');
