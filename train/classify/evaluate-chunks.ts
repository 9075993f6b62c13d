import { sha256Of } from '../../io/files/sha256.js';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ConfigError, quote } from '../../core/errors.js';
import type { ClassificationSet } from '../../datasets/imagenet.js';
import { ClassificationEvaluator } from '../../evaluation/classification/evaluator.js';
import { decodePartialResult, encodePartialResult } from '../../io/partial-result.js';
import type { ClassifierModel } from '../../inference/model.js';
import { makeFolder, writeAtomically, writeJsonAtomically } from '../../io/files/atomic.js';
import { readJsonIfPresent } from '../../io/files/json.js';
import { partBytes } from '../distributed/part-file.js';
import type { Shard } from '../distributed/shard.js';
import type { Scalars } from '../trainer.js';
import { countSamples, samplesToScore, type EvaluateOptions } from './evaluate.js';
import { classificationScores } from './trainer.js';

/** Options of {@link evaluateInChunks}. */
export interface EvaluateChunksOptions extends Omit<EvaluateOptions, 'shard'> {
  /** Folder of partial results: the same for all shards, and for resumed runs. */
  readonly folder: string;
  /** Partial results `index`, `index + count`, … are computed by this process. */
  readonly shard: Shard;
  /** Identity of the evaluation (model and data); a folder contains one evaluation. */
  readonly identity: Readonly<Record<string, string | number>>;
  /**
   * Largest number of images per partial result, which are lost on interruption; a folder with partial results keeps its
   * number.
   */
  readonly chunkImages?: number | undefined;
  readonly onChunk?:
    ((done: { readonly chunk: number; readonly chunks: number }) => void) | undefined;
}

/** State of an evaluation after a run. */
export interface EvaluatedChunks {
  /** Scores of the images in the folder: of all images if `missing` is 0. */
  readonly scores: Scalars;
  /** Number of images that no shard has scored yet. */
  readonly missing: number;
  /** Number of images scored by this run. */
  readonly scored: number;
  /** Number of images of this shard. */
  readonly own: number;
}

const CHUNK_IMAGES = 500;
const IDENTITY = 'evaluation.json';

/**
 * Evaluates a classifier in partial results. Every partial result is a file, so a repeated run only computes missing
 * ones, and shards in other processes or on other machines write to the same folder; the last one to finish gets the
 * scores of all images, which are bit-identical for any division. Every shard has the same number of partial results,
 * whose sizes differ by at most one image. `score imagenet --merge` merges the same files.
 *
 * @throws DataError if the data does not fit the model; ConfigError if the folder holds another evaluation
 */
export async function evaluateInChunks(
  model: ClassifierModel,
  set: ClassificationSet,
  options: EvaluateChunksOptions,
): Promise<EvaluatedChunks> {
  const { folder, shard, chunkImages = CHUNK_IMAGES } = options;
  const classes = model.classNames.length;
  const samples = samplesToScore(model, set, options.limit);
  const identity = {
    ...options.identity,
    images: samples.length,
    files: fingerprint(samples),
    classes,
  };
  const chunks = await claimFolder(folder, identity, () =>
    numChunks(samples.length, shard.count, chunkImages),
  );
  const start = (chunk: number): number => Math.floor((chunk * samples.length) / chunks);
  const samplesOf = (chunk: number): ClassificationSet['samples'] =>
    samples.slice(start(chunk), start(chunk + 1));
  let [scored, own] = [0, 0];
  for (let chunk = shard.index; chunk < chunks; chunk += shard.count) {
    const ofChunk = samplesOf(chunk);
    own += ofChunk.length;
    if (existsSync(chunkFile(folder, chunk))) continue;
    const accuracy = new ClassificationEvaluator(classes);
    await countSamples(model, ofChunk, accuracy, options);
    const bytes = encodePartialResult(accuracy.toPartialResult());
    await writeAtomically(chunkFile(folder, chunk), bytes);
    scored += ofChunk.length;
    options.onChunk?.({ chunk, chunks });
  }
  const all = new ClassificationEvaluator(classes);
  let missing = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    const file = chunkFile(folder, chunk);
    if (existsSync(file)) all.addPartialResult(decodePartialResult(partBytes(file), file));
    else missing += samplesOf(chunk).length;
  }
  return { scores: classificationScores(all), missing, scored, own };
}

const chunkFile = (folder: string, chunk: number): string =>
  join(folder, `part-${String(chunk).padStart(5, '0')}.part`);

/** Names and labels without the folder, which may differ between machines. */
function fingerprint(samples: ClassificationSet['samples']): string {
  return sha256Of(
    samples.map(({ file, classIndex }) => `${basename(file)} ${classIndex}\n`).join(''),
  );
}

/**
 * Smallest number of partial results of at most `chunkImages` images that is equal for every shard; with fewer images than
 * shards, each image is one.
 */
function numChunks(images: number, shards: number, chunkImages: number): number {
  return Math.min(images, shards * Math.ceil(images / (shards * chunkImages)));
}

/**
 * Checks that the folder belongs to this evaluation.
 *
 * @param newChunks number of partial results for an empty folder
 * @returns the number of partial results
 */
async function claimFolder(
  folder: string,
  identity: Readonly<Record<string, string | number>>,
  newChunks: () => number,
): Promise<number> {
  makeFolder(folder);
  const file = join(folder, IDENTITY);
  if (!existsSync(file)) {
    const chunks = newChunks();
    await writeJsonAtomically(file, { ...identity, parts: chunks });
    return chunks;
  }
  const { parts: chunks, ...before } = Object(
    readJsonIfPresent(file, 'the description of an evaluation'),
  ) as Readonly<Record<string, unknown>>;
  const different = [...new Set([...Object.keys(before), ...Object.keys(identity)])].find(
    (key) => before[key] !== identity[key],
  );
  if (different !== undefined)
    throw new ConfigError(
      `${folder}: expected a new folder or one of the same evaluation, got one with ${different} ${quote(before[different])} instead of ${quote(identity[different])}`,
    );
  if (!(Number.isInteger(chunks) && Number(chunks) >= 1))
    throw new ConfigError(`${file}: expected the number of parts, got ${quote(chunks)}`);
  return Number(chunks);
}
