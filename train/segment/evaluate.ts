import { DataError } from '../../core/errors.js';
import { imageOf } from '../../datasets/sample.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import type { LabelMap, RgbImage } from '../../core/image.js';
import { labelsOf } from '../../datasets/png-label-map.js';
import type { ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import type { PixelStats } from '../../datasets/transforms/normalize.js';
import { SemanticEvaluator, type SemanticResult } from '../../evaluation/semantic/evaluator.js';
import type { Segmentation, SegmenterMode, SegmenterPredictor } from '../../models/segmenter.js';
import type { EvaluationShare } from '../distributed/evaluation.js';
import { ownSamples } from '../distributed/evaluation.js';
import { segmenterViews } from './views.js';

/** How {@link evaluateSegmenter} goes over the data. */
export interface EvaluateSegmenterOptions {
  /** Number of classes of the model. */
  readonly numClasses: number;
  readonly pixels: PixelStats;
  readonly limits: ScaleLimits;
  /** Factors on the limits; `[1]` for a single scale. */
  readonly ratios: readonly number[];
  readonly mode: SegmenterMode;
  /** Only the first images. */
  readonly limit?: number;
  /** This process's share of the images; all if not given. */
  readonly share?: EvaluationShare;
  /** Called after each image with the number done. */
  readonly onImage?: (done: number, total: number) => void;
  /** Called with what was found in an image before it is scored, and what there was to see and to find. */
  readonly onSegmentation?: (
    file: string,
    found: Segmentation,
    given: { readonly image: RgbImage; readonly truth: LabelMap },
  ) => Promise<void> | undefined;
}

/**
 * Segments every image of a data set and scores the result at the images' own size.
 *
 * @throws DataError if the classes of data and model differ in number, or a file is broken
 */
export async function evaluateSegmenter(
  predictor: SegmenterPredictor,
  set: SegmentationSet,
  { numClasses, mode, limit, share, onImage, onSegmentation, ...viewing }: EvaluateSegmenterOptions,
): Promise<SemanticResult> {
  if (set.classes.length !== numClasses)
    throw new DataError(
      `eval: expected data with the model's ${numClasses} classes, got ${set.classes.length}`,
    );
  const all = limit === undefined ? set.samples : set.samples.slice(0, limit);
  const samples = ownSamples(all, share);
  if (all.length === 0) throw new DataError('eval: expected images, got none');
  const evaluator = new SemanticEvaluator({ numClasses });
  let done = 0;
  for (const sample of samples) {
    const { file } = sample;
    const image = await imageOf(sample);
    const labels = await labelsOf(sample, set.mapping, image);
    const views = segmenterViews(image, viewing);
    const found = await predictor.segment(views, image, mode);
    await onSegmentation?.(file, found, { image, truth: labels });
    evaluator.update(labels.data, found.labels, file);
    onImage?.(++done, samples.length);
  }
  for (const part of (await share?.exchange('semantic', evaluator.toPart())) ?? [])
    evaluator.addPart(part);
  return evaluator.finish();
}
