import { alignDetection } from '../../datasets/align-classes.js';
import { evaluationSamples } from '../../datasets/coco/samples.js';
import { firstImages, type CocoSet } from '../../datasets/coco/set.js';
import { groundTruthDomain, groundTruthObjects } from '../../datasets/coco/ground-truth.js';
import type { DetectionSample } from '../../datasets/sample.js';
import type { RgbImage } from '../../core/image.js';
import { CocoEvaluator, type CocoResult } from '../../evaluation/coco/evaluator.js';
import {
  CocoDetectionsBuilder,
  CocoGroundTruthBuilder,
  type CocoGroundTruth,
} from '../../evaluation/coco/objects.js';
import { LVIS_DETECTIONS, lvisParameters } from '../../evaluation/coco/federated.js';
import { cocoParameters } from '../../evaluation/coco/parameters.js';
import { addCocoPartialResult, cocoPartialResult } from '../../evaluation/coco/partial-result.js';
import { partialArrays } from '../../evaluation/partial-result.js';
import { expandMask, type DetectResult } from '../../core/results.js';
import { scaledFor } from '../../inference/decoding.js';
import type { DetectorModel, PredictCallOptions } from '../../inference/model.js';
import { ownSamples, type EvaluatedImages } from '../distributed/evaluation.js';
import type { Scalars } from '../trainer.js';
import { predictSample } from './predict-sample.js';
import { orderBySize } from './order-by-size.js';

/** Options of {@link evaluateDetector}. */
interface EvaluateDetectorOptions extends EvaluatedImages {
  /**
   * Called with the detections of each image, e.g. to write them to a file, in the order of {@link orderBySize}; without
   * pixels of images that are read in parts.
   */
  readonly onResult?:
    | ((
        sample: DetectionSample,
        result: DetectResult,
        image: RgbImage | undefined,
      ) => void | Promise<void>)
    | undefined;
}

/** COCO's protocol, which takes all detections, or that of LVIS, unless the model was opened with other options. */
const protocolOf = (
  { score = 0, perClassNms = true, max }: DetectorModel['options'],
  set: CocoSet,
): PredictCallOptions => ({
  score,
  perClassNms,
  max: max ?? (set.federated ? LVIS_DETECTIONS : undefined),
});

/** Scores of a detector on a data set. */
export interface DetectorScores {
  readonly numImages: number;
  readonly numDetections: number;
  readonly bbox: CocoResult;
  /** Absent if the model or the data has no masks. */
  readonly segm?: CocoResult;
}

/**
 * Detects objects in every image of a set, including empty ones, and evaluates boxes and masks like COCO. Images are
 * ordered by size, the largest first.
 *
 * @throws DataError if the set has other classes than the model, whatever their order, has masks for only some objects, or a file is broken
 */
export async function evaluateDetector(
  model: DetectorModel,
  data: CocoSet,
  { limit, shard, onImage, onResult }: EvaluateDetectorOptions = {},
): Promise<DetectorScores> {
  const { classNames, card } = model;
  const masks = card.detector.masks !== null;
  const aligned = alignDetection(data, classNames).set;
  const scaled = scaledFor(card, aligned);
  const set = limit === undefined ? scaled : firstImages(scaled, limit);
  const samples = evaluationSamples(set);
  const boxed = cocoGroundTruth(set, false);
  const masked = masks ? cocoGroundTruth(set, true) : undefined;
  const parametersOf = set.federated ? lvisParameters : cocoParameters;
  const evaluators = {
    bbox: new CocoEvaluator(boxed, parametersOf('bbox')),
    ...(masked?.masks && { segm: new CocoEvaluator(masked, parametersOf('segm')) }),
  };
  let [numImages, numDetections] = [0, 0];
  const own = ownSamples(
    Array.from({ length: samples.length }, (_, i) => i),
    shard,
  );
  const { widths, heights } = set.images;
  const sizes = own.map((i) => ({ width: widths[i], height: heights[i] }));
  for (const place of orderBySize(sizes, card.limits)) {
    const sample = samples.at(own[place]);
    const { result, image } = await predictSample(model, sample, protocolOf(model.options, set));
    numDetections += result.objects.length;
    score(evaluators, result, sample.imageId, set.classes.categoryIds);
    await onResult?.(sample, result, image);
    numImages++;
    onImage?.(numImages, own.length);
  }
  for (const [name, evaluator] of Object.entries(evaluators))
    for (const part of (await shard?.exchange(name, cocoPartialResult(evaluator))) ?? [])
      addCocoPartialResult(evaluator, part);
  const counts = { kind: 'counts', settings: {} };
  const done = { ...counts, arrays: { counts: Float64Array.of(own.length, numDetections) } };
  for (const part of (await shard?.exchange('counts', done)) ?? []) {
    const { counts: others } = partialArrays(part, { ...counts, arrays: ['counts'] });
    numImages += others[0];
    numDetections += others[1];
  }
  return {
    numImages,
    numDetections,
    bbox: evaluators.bbox.finish(),
    ...(evaluators.segm && { segm: evaluators.segm.finish() }),
  };
}

/** Converts the scores to metrics of a run: `bbox_AP` … and `segm_AP` …, without undefined ones, and `count`. */
export function detectionMetrics({ bbox, segm, numImages }: DetectorScores): Scalars {
  const named = (
    prefix: string,
    { stats, statNames }: CocoResult,
  ): readonly (readonly [string, number])[] =>
    statNames
      .map((name, i) => [`${prefix}_${name}`, stats[i]] as const)
      .filter(([, value]) => value >= 0);
  return Object.fromEntries([
    ...named('bbox', bbox),
    ...(segm ? named('segm', segm) : []),
    ['count', numImages],
  ]);
}

/** Annotated objects of a set, with masks or only boxes. */
export function cocoGroundTruth(set: CocoSet, masks: boolean): CocoGroundTruth {
  const builder = new CocoGroundTruthBuilder(groundTruthDomain(set));
  for (const object of groundTruthObjects(set, { masks })) builder.add(object);
  return builder.build();
}

/** Boxes and masks are evaluated separately, because the size of a mask is its own area, not that of its box. */
function score(
  { bbox, segm }: { readonly bbox: CocoEvaluator; readonly segm?: CocoEvaluator },
  { objects }: DetectResult,
  imageId: number,
  categoryIds: readonly number[],
): void {
  const boxes = new CocoDetectionsBuilder();
  const masks = new CocoDetectionsBuilder();
  for (const { classIndex, score: value, box, mask } of objects) {
    const detection = { imageId, categoryId: categoryIds[classIndex], score: value };
    boxes.add({ ...detection, box });
    if (segm && mask) masks.add({ ...detection, mask: expandMask(mask) });
  }
  bbox.update(boxes.build());
  segm?.update(masks.build());
}
