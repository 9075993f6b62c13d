import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ConfigError } from '../../core/errors.js';
import type { ClassificationSet } from '../../datasets/imagenet.js';
import { ClassificationEvaluator } from '../../evaluation/classification/evaluator.js';
import { decodePartialResult, encodePartialResult } from '../../evaluation/partial-result.js';
import type { ClassifierModel } from '../../inference/model.js';
import { writeAtomically, writeJsonAtomically } from '../../io/files/atomic.js';
import type { Shard } from '../distributed/shard.js';
import type { Scalars } from '../trainer.js';
import { countSamples, samplesToScore, type EvaluateOptions } from './evaluate.js';
import { classificationScores } from './trainer.js';

/** Options of {@link evaluateInParts}. */
export interface EvaluatePartsOptions extends Omit<EvaluateOptions, 'shard'> {
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
  readonly partImages?: number;
  readonly onPart?: (done: { readonly part: number; readonly parts: number }) => void;
}

/** State of an evaluation after a run. */
export interface EvaluatedParts {
  /** Scores of the images in the folder: of all images if `missing` is 0. */
  readonly scores: Scalars;
  /** Number of images that no shard has scored yet. */
  readonly missing: number;
  /** Number of images scored by this run. */
  readonly scored: number;
  /** Number of images of this shard. */
  readonly own: number;
}

const PART_IMAGES = 500;
const IDENTITY = 'evaluation.json';

/**
 * Evaluates a classifier in partial results. Every partial result is a file, so a repeated run only computes missing
 * ones, and shards in other processes or on other machines write to the same folder; the last one to finish gets the
 * scores of all images, which are bit-identical for any division. Every shard has the same number of partial results,
 * whose sizes differ by at most one image. `score imagenet --merge` merges the same files.
 *
 * @throws DataError if the data does not fit the model; ConfigError if the folder holds another evaluation
 */
export async function evaluateInParts(
  model: ClassifierModel,
  set: ClassificationSet,
  options: EvaluatePartsOptions,
): Promise<EvaluatedParts> {
  const { folder, shard, partImages = PART_IMAGES } = options;
  const classes = model.classNames.length;
  const samples = samplesToScore(model, set, options.limit);
  const identity = {
    ...options.identity,
    images: samples.length,
    files: fingerprint(samples),
    classes,
  };
  const parts = await claimFolder(folder, identity, () =>
    numParts(samples.length, shard.count, partImages),
  );
  const start = (part: number): number => Math.floor((part * samples.length) / parts);
  const samplesOf = (part: number): ClassificationSet['samples'] =>
    samples.slice(start(part), start(part + 1));
  let [scored, own] = [0, 0];
  for (let part = shard.index; part < parts; part += shard.count) {
    const ofPart = samplesOf(part);
    own += ofPart.length;
    if (existsSync(partFile(folder, part))) continue;
    const accuracy = new ClassificationEvaluator(classes);
    await countSamples(model, ofPart, accuracy, options);
    const bytes = encodePartialResult(accuracy.toPartialResult());
    await writeAtomically(partFile(folder, part), bytes);
    scored += ofPart.length;
    options.onPart?.({ part, parts });
  }
  const all = new ClassificationEvaluator(classes);
  let missing = 0;
  for (let part = 0; part < parts; part++) {
    const file = partFile(folder, part);
    // Copied, because a Buffer may be a view of a larger one.
    if (existsSync(file))
      all.addPartialResult(decodePartialResult(Uint8Array.from(readFileSync(file)), file));
    else missing += samplesOf(part).length;
  }
  return { scores: classificationScores(all), missing, scored, own };
}

const partFile = (folder: string, part: number): string =>
  join(folder, `part-${String(part).padStart(5, '0')}.part`);

/** Names and labels without the folder, which may differ between machines. */
function fingerprint(samples: ClassificationSet['samples']): string {
  const hash = createHash('sha256');
  for (const { file, classIndex } of samples) hash.update(`${basename(file)} ${classIndex}\n`);
  return hash.digest('hex');
}

/**
 * Smallest number of partial results of at most `partImages` images that is equal for every shard; with fewer images than
 * shards, each image is one.
 */
function numParts(images: number, shards: number, partImages: number): number {
  return Math.min(images, shards * Math.ceil(images / (shards * partImages)));
}

/**
 * Checks that the folder belongs to this evaluation.
 *
 * @param newParts number of partial results for an empty folder
 * @returns the number of partial results
 */
async function claimFolder(
  folder: string,
  identity: Readonly<Record<string, string | number>>,
  newParts: () => number,
): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, IDENTITY);
  if (!existsSync(file)) {
    const parts = newParts();
    await writeJsonAtomically(file, { ...identity, parts });
    return parts;
  }
  const { parts, ...before } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const different = [...new Set([...Object.keys(before), ...Object.keys(identity)])].find(
    (key) => before[key] !== identity[key],
  );
  if (different !== undefined)
    throw new ConfigError(
      `${folder}: expected a new folder or one of the same evaluation, got one with ${different} ${String(before[different])} instead of ${String(identity[different])}`,
    );
  if (!(Number.isInteger(parts) && Number(parts) >= 1))
    throw new ConfigError(`${file}: expected the number of parts, got ${String(parts)}`);
  return Number(parts);
}
