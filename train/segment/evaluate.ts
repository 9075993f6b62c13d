import { DataError } from '../../core/errors.js';
import type { SegmentResult } from '../../core/results.js';
import { alignSegmentation } from '../../datasets/align-classes.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import type { LabelMap, RgbImage } from '../../core/image.js';
import { loadPair } from '../../datasets/segmentation-pair.js';
import { SemanticEvaluator, type SemanticResult } from '../../evaluation/semantic/evaluator.js';
import type { ClassAreas } from '../../evaluation/semantic/metrics.js';
import { scaledFor } from '../../inference/decoding.js';
import type { SegmenterModel } from '../../inference/model.js';
import { ownSamples, type EvaluatedImages } from '../distributed/evaluation.js';

/** Options of {@link evaluateSegmenter}. */
interface EvaluateSegmenterOptions extends EvaluatedImages {
  /** Called with the result for each image, the areas of its classes, the image and its labels. */
  readonly onResult?:
    | ((
        file: string,
        result: SegmentResult,
        given: {
          readonly image: RgbImage;
          readonly groundTruth: LabelMap;
          readonly areas: ClassAreas;
        },
      ) => void | Promise<void>)
    | undefined;
}

/**
 * Segments every image of a data set and evaluates the result at the original size.
 *
 * @throws DataError if the set has other classes than the model, or a file is broken
 */
export async function evaluateSegmenter(
  model: SegmenterModel,
  data: SegmentationSet,
  { limit, shard, onImage, onResult }: EvaluateSegmenterOptions = {},
): Promise<SemanticResult> {
  const numClasses = model.classNames.length;
  const { set } = alignSegmentation(data, model.classNames);
  const all = limit === undefined ? set.samples : set.samples.slice(0, limit);
  const samples = ownSamples(all, shard);
  if (all.length === 0) throw new DataError('eval: expected images, got none');
  const evaluator = new SemanticEvaluator({ numClasses });
  let done = 0;
  for (const sample of samples) {
    const { file } = sample;
    const { image, labels: groundTruth } = await loadPair(
      scaledFor(model.card, sample),
      set.mapping,
    );
    const result = await model.predict(image);
    const areas = evaluator.update(groundTruth.data, result.labels, file);
    await onResult?.(file, result, { image, groundTruth, areas });
    onImage?.(++done, samples.length);
  }
  for (const part of (await shard?.exchange('semantic', evaluator.toPartialResult())) ?? [])
    evaluator.addPartialResult(part);
  return evaluator.finish();
}
