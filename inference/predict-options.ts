import { OptionError, quote } from '../core/errors.js';
import type { ImageResult } from '../core/results.js';
import { assertTile, type TileOptions } from './tiles/grid.js';

/** Largest factor of test-time augmentation. */
const MAX_RATIO = 8;

/** Tasks with predictions for images. */
export type PredictTask = ImageResult['task'];

/** Options of a model's predictions. */
export interface PredictOptions {
  /** Test-time augmentation: flips and several scales (detect, segment). */
  readonly tta?: boolean | undefined;
  /** Factors of the size for test-time augmentation instead of those of the model card; implies `tta` (segment). */
  readonly ratios?: readonly number[] | undefined;
  /** Sliding windows instead of whole images (segment). */
  readonly slide?: boolean | undefined;
  /**
   * Smallest score of objects, 0–1 (detect), applied after the thresholds of the model card; default: the scores with the
   * best F1 on validation data, if the model card has them, else 0.
   */
  readonly score?: number | undefined;
  /**
   * Whether objects of different classes suppress each other never, as in COCO's protocol (detect); default: of two with an
   * IoU above 0.7 only the better one is kept.
   */
  readonly perClassNms?: boolean | undefined;
  /** Largest number of objects (detect). */
  readonly max?: number | undefined;
  /**
   * Square tiles of a picture instead of the whole of it, for large pictures with small objects (detect, segment): every
   * tile is resized and predicted like a picture of its own, and the results are merged. Files are then read in parts.
   */
  readonly tile?: TileOptions | undefined;
  /** Number of classes, the most probable ones (classify). */
  readonly top?: number | undefined;
  /** Whether to copy the weights into the sessions: faster for many images of one size. */
  readonly frozen?: boolean | undefined;
  /** Whether to use the EMA of the weights; default: where it scored better in the run. */
  readonly ema?: boolean | undefined;
}

/** Options of a call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Options of a prediction. */
export interface PredictCallOptions
  extends CallOptions, Pick<PredictOptions, 'score' | 'perClassNms' | 'max' | 'top' | 'tile'> {}

/**
 * Checks options of a model or of a call.
 *
 * @throws OptionError for options out of range, or of another task
 */
export function assertOptions(options: PredictOptions, task: PredictTask): void {
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null)
    throw new OptionError(`predict: expected an object of options, got ${String(options)}`);
  const { score = 0, max = 0, top = 1, ratios, tile } = options;
  if (!(score >= 0 && score <= 1))
    throw new OptionError(`score: expected a number from 0 to 1, got ${score}`);
  if (!Number.isInteger(max) || max < 0)
    throw new OptionError(`max: expected a whole number of objects, got ${max}`);
  if (!Number.isInteger(top) || top < 1)
    throw new OptionError(`top: expected a whole number of classes from 1, got ${top}`);
  if (tile !== undefined) {
    assertTile(tile);
    if (task === 'classify')
      throw new OptionError('tile: expected a detector or segmenter, got the task classify');
  }
  if (ratios === undefined) return;
  if (task !== 'segment')
    throw new OptionError(`ratios: expected a segmenter, got the task ${task}`);
  if (!Array.isArray(ratios as unknown))
    throw new OptionError(`ratios: expected a list of numbers, got ${quote(ratios)}`);
  if (ratios.length === 0 || !ratios.every((ratio) => ratio > 0 && ratio <= MAX_RATIO))
    throw new OptionError(
      `ratios: expected numbers above 0 and up to ${MAX_RATIO}, got [${ratios.join(', ')}]`,
    );
}
