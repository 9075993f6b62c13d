import { DataError, OptionError } from '../../core/errors.js';
import { firstImages } from '../../datasets/coco/set.js';
import {
  ERROR_KINDS,
  errorBreakdown,
  type ErrorBreakdown,
  type ErrorKind,
} from '../../evaluation/coco/error-breakdown.js';
import type { ImageModel } from '../../inference/model.js';
import { percentWithSign } from '../../report/format.js';
import { boxDetections, costliestError, ERROR_NAMES } from '../../train/detect/error-costs.js';
import { evaluatedSet } from '../../train/detect/evaluated-set.js';
import { cocoGroundTruth, evaluateDetector } from '../../train/detect/evaluate.js';
import type { DetectedImage } from '../../train/detect/drawing.js';
import { AT } from '../../train/detect/report-pictures.js';
import { tellingProgress, type EvaluationOptions } from '../../train/evaluation.js';

/** Number of examples of each kind. */
const MOST_EXAMPLES = 3;

/** A false detection or a missed object. */
interface ErrorExample {
  readonly file: string;
  readonly imageId: number;
  /** Detected category, or that of the missed object. */
  readonly category: string;
  /** `[4]` x, y, width, height, pixels. */
  readonly box: readonly number[];
  /** Score of the detection; null for a missed object. */
  readonly score: number | null;
  /** Id of the missed object; null for a detection. */
  readonly annotationId: number | null;
}

/** JSON document of `analyze errors --json`: the breakdown is that of boxes at an IoU of 0.5, of which AP is AP50. */
interface ErrorAnalysis extends Pick<ErrorBreakdown, 'AP' | 'counts' | 'gains' | 'special'> {
  /** Null for a model in memory. */
  readonly model: string | null;
  readonly data: string;
  readonly split: 'train' | 'val';
  readonly count: number;
  readonly iou: number;
  /** Kind of error that costs most; null if none does. */
  readonly costliest: ErrorKind | null;
  /** One line for people. */
  readonly advice: string;
  /** Detections by descending score; missed objects by descending area. */
  readonly examples: Readonly<Record<ErrorKind, readonly ErrorExample[]>>;
}

/**
 * Detects objects in the images of a data set and analyzes the errors of the boxes.
 *
 * @throws ConfigError if the model is no detector
 * @throws DataError if the data are unusable or have no annotated objects
 */
export async function analyzeErrors(
  model: ImageModel,
  data: string,
  options: EvaluationOptions,
): Promise<ErrorAnalysis> {
  if (model.task !== 'detect')
    throw new OptionError(
      `analyze errors: expected a detector, got ${model.file ?? 'a model'} for the task ${model.task}`,
    );
  const { limit, split = 'val', onNotice } = options;
  const loaded = await evaluatedSet(model, data, options);
  const set = limit === undefined ? loaded : firstImages(loaded, limit);
  const { categoryIds } = set.classes;
  const answers: DetectedImage[] = [];
  const { numImages } = await evaluateDetector(model, set, {
    onImage: tellingProgress(onNotice),
    onResult: (sample, result) => void answers.push({ sample, result }),
  });
  const groundTruth = cocoGroundTruth(set, false);
  const detections = boxDetections(answers, categoryIds);
  const breakdown = errorBreakdown(groundTruth, detections, AT);
  const { AP, counts, gains, special, kindOf, missed } = breakdown;
  if (!Number.isFinite(AP))
    throw DataError.in(set.file, `expected annotated objects of the model's classes, got none`);
  const fileOf = new Map(answers.map(({ sample }) => [sample.imageId, sample.file]));
  const exampleOf = (
    { imageOf, categoryOf, boxes = new Float64Array() }: BoxRows,
    row: number,
  ): Omit<ErrorExample, 'score' | 'annotationId'> => ({
    file: fileOf.get(imageOf[row]) ?? '',
    imageId: imageOf[row],
    category: model.classNames[categoryIds.indexOf(categoryOf[row])],
    box: Array.from(boxes.subarray(4 * row, 4 * row + 4)),
  });
  const examplesOf = (kind: ErrorKind): readonly ErrorExample[] => {
    if (kind === 'missed')
      return highest(missed, groundTruth.areas).map((g) => {
        return { ...exampleOf(groundTruth, g), score: null, annotationId: groundTruth.ids[g] };
      });
    const rows = [...kindOf.keys()].filter((d) => kindOf[d] === kind);
    return highest(rows, detections.scores).map((d) => {
      return { ...exampleOf(detections, d), score: detections.scores[d], annotationId: null };
    });
  };
  const { kind, loss, advice } = costliestError(breakdown);
  return {
    model: model.file ?? null,
    data,
    split,
    count: numImages,
    iou: AT.iouThreshold,
    AP,
    counts,
    gains,
    special,
    costliest: kind ?? null,
    advice: `AP50 of boxes is ${percentWithSign(AP)}; ${loss}: ${advice}`,
    examples: Object.fromEntries(ERROR_KINDS.map((name) => [name, examplesOf(name)])) as Record<
      ErrorKind,
      readonly ErrorExample[]
    >,
  };
}

interface BoxRows {
  readonly imageOf: Float64Array;
  readonly categoryOf: Float64Array;
  readonly boxes?: Float64Array | undefined;
}

/** The rows of the highest values, in descending order. */
function highest(rows: readonly number[], values: Float64Array): readonly number[] {
  return [...rows].sort((a, b) => values[b] - values[a]).slice(0, MOST_EXAMPLES);
}

type Table = readonly (readonly (string | number)[])[];

/** Creates the tables for people: costs by kind, and examples. */
export function errorTables({ counts, gains, special, examples }: ErrorAnalysis): {
  readonly costs: Table;
  readonly worst: Table;
} {
  const points = (gain: number): string => (100 * gain).toFixed(1);
  const costs = [
    ['error', 'count', 'AP50 points'],
    ...ERROR_KINDS.map((kind) => [ERROR_NAMES[kind], counts[kind], points(gains[kind])]),
    ['all false detections', falseDetections(counts), points(special.falsePositives)],
    ['all objects without a match', '', points(special.falseNegatives)],
  ];
  const worst = ERROR_KINDS.flatMap((kind) =>
    examples[kind].map(({ file, category, box, score }) => [
      ERROR_NAMES[kind],
      file,
      `${category} at ${box.map((value) => value.toFixed(0)).join(', ')}`,
      score === null ? '-' : score.toFixed(3),
    ]),
  );
  return { costs, worst: [['error', 'file', 'object (x, y, width, height)', 'score'], ...worst] };
}

function falseDetections(counts: ErrorAnalysis['counts']): number {
  return ERROR_KINDS.reduce((sum, kind) => (kind === 'missed' ? sum : sum + counts[kind]), 0);
}
