import { assertList, assertObject } from '../../core/arguments.js';
import { ConfigError, quote } from '../../core/errors.js';
import type { IouType } from '../../core/coco.js';

/** An area range with its name; both ends are inclusive. */
export interface AreaRange {
  readonly name: string;
  /** Square pixels. */
  readonly min: number;
  /** Square pixels. */
  readonly max: number;
}

/** Parameters of the evaluation; the defaults are those of published numbers. */
export interface CocoParameters {
  readonly iouType: IouType;
  readonly iouThresholds: readonly number[];
  readonly recallPoints: readonly number[];
  /** Numbers of detections per image and category, ascending. */
  readonly maxDetections: readonly number[];
  /** Number of detections of an image over all categories, of a federated set; default: all. */
  readonly detectionsPerImage?: number | undefined;
  /** Number of detections of a category over all images, of a federated set; default: all. */
  readonly detectionsPerCategory?: number | undefined;
  readonly areaRanges: readonly AreaRange[];
  /** Images to evaluate; default: all. */
  readonly imageIds?: readonly number[] | undefined;
  /** Categories to evaluate; default: all. */
  readonly categoryIds?: readonly number[] | undefined;
  /** Whether the category of a detection must match; otherwise all categories are pooled. */
  readonly useCategories: boolean;
  /** `[P]`: standard deviation of annotators per keypoint, as a fraction of the object's size. */
  readonly keypointSigmas: readonly number[];
  /**
   * Whether to reproduce the reference's quirks, which published numbers include: a ground truth with id 0 is never
   * recorded as matched, `ignore` without `iscrowd` has no effect, and results with boxes and masks are assigned to area
   * ranges by their boxes.
   */
  readonly strict: boolean;
}

const ALL: AreaRange = { name: 'all', min: 0, max: 1e10 };
const SMALL: AreaRange = { name: 'small', min: 0, max: 1024 };
const MEDIUM: AreaRange = { name: 'medium', min: 1024, max: 9216 };
const LARGE: AreaRange = { name: 'large', min: 9216, max: 1e10 };

/** Names of the 17 keypoints of COCO's persons. */
const PERSON_SIGMAS = [
  0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89,
  0.89,
].map((sigma) => sigma / 10);

/** Parameters that differ from COCO's. */
export type CocoChanges = {
  readonly [Key in keyof Omit<CocoParameters, 'iouType'>]?: CocoParameters[Key] | undefined;
};

/**
 * Parameters of the COCO challenge.
 *
 * @see https://github.com/cocodataset/cocoapi/blob/8c9bcc3/PythonAPI/pycocotools/cocoeval.py
 */
export function cocoParameters(iouType: IouType, changes: CocoChanges = {}): CocoParameters {
  assertObject('cocoParameters', 'an object of changes', changes);
  const {
    // Computed like NumPy's linspace, not as i / 100: the last bits matter, because a recall such as 7/20 lies exactly on
    // a recall point.
    iouThresholds = Array.from({ length: 10 }, (_, i) => 0.5 + i * ((0.95 - 0.5) / 9)),
    recallPoints = Array.from({ length: 101 }, (_, i) => i * 0.01),
    maxDetections = iouType === 'keypoints' ? [20] : [1, 10, 100],
    areaRanges = iouType === 'keypoints' ? [ALL, MEDIUM, LARGE] : [ALL, SMALL, MEDIUM, LARGE],
    useCategories = true,
    keypointSigmas = PERSON_SIGMAS,
    strict = true,
    ...chosen
  } = changes;
  return {
    iouType,
    iouThresholds,
    recallPoints,
    maxDetections,
    areaRanges,
    useCategories,
    keypointSigmas,
    strict,
    ...chosen,
  };
}

/** @throws ConfigError if a list is empty, not finite or not sorted */
export function assertCocoParameters(parameters: CocoParameters): void {
  const fields = ['iouThresholds', 'recallPoints', 'maxDetections', 'areaRanges'] as const;
  assertObject('coco', 'parameters as of cocoParameters', parameters, ...fields);
  fields.forEach((field) => assertList('coco', `${field} as a list`, parameters[field]));
  const { iouThresholds, recallPoints, maxDetections, areaRanges } = parameters;
  const lists = { iouThresholds, recallPoints, maxDetections };
  for (const [name, list] of Object.entries(lists)) {
    if (list.length === 0 || !list.every(Number.isFinite))
      throw new ConfigError(`coco: expected finite ${name}, got [${list.join(', ')}]`);
  }
  if (!maxDetections.every((n, i) => Number.isInteger(n) && n > 0 && !(maxDetections[i - 1] >= n)))
    throw new ConfigError(
      `coco: expected maxDetections as ascending whole numbers > 0, got [${maxDetections.join(', ')}]`,
    );
  if (areaRanges.length === 0 || !areaRanges.every(({ min, max }) => min <= max))
    throw new ConfigError(
      `coco: expected areaRanges [min, max] with min <= max, got ${quote(areaRanges)}`,
    );
  if (parameters.iouType === 'keypoints' && !parameters.useCategories)
    throw new ConfigError('coco: expected useCategories with keypoints, got pooled categories');
}
