import { assertObject } from '../../core/arguments.js';
import { assertBuilt, type CocoGroundTruth } from './objects.js';
import type { CocoParameters } from './parameters.js';
import type { CocoResults } from './results-builder.js';

/**
 * Lists possible causes of surprising results that are computed as in the reference, one line each.
 *
 * @param results undefined if only partial results are merged
 */
export function cocoWarnings(
  groundTruth: CocoGroundTruth,
  results: CocoResults | undefined,
  parameters: CocoParameters,
): readonly string[] {
  assertBuilt('cocoWarnings', groundTruth, 'ids');
  assertObject('cocoWarnings', 'parameters as of cocoParameters', parameters);
  return [
    ...groundTruthWarnings(groundTruth, parameters),
    ...limitWarnings(parameters),
    ...(results ? resultWarnings(groundTruth, results, parameters) : []),
  ];
}

function groundTruthWarnings(
  groundTruth: CocoGroundTruth,
  { strict }: CocoParameters,
): readonly string[] {
  const warnings: string[] = [];
  if (strict && groundTruth.ids.includes(0))
    warnings.push(
      'annotation 0: the reference never counts a ground truth with id 0 as matched; number from 1 on, or give --no-strict',
    );
  const numIgnored = groundTruth.ignoreFlags.reduce(
    (n, flag, g) => n + (flag & ~groundTruth.isCrowd[g] & 1),
    0,
  );
  if (strict && numIgnored > 0)
    warnings.push(
      `${numIgnored} annotations have "ignore" without "iscrowd", which the reference does not honor; give --no-strict to leave them out`,
    );
  if (groundTruth.ids.length === 0)
    warnings.push('the ground truth holds no annotations: all numbers are -1');
  return warnings;
}

function limitWarnings({ iouType, maxDetections }: CocoParameters): readonly string[] {
  const limit = iouType === 'keypoints' ? 20 : 100;
  if (maxDetections.includes(limit)) return [];
  return [
    `the first number (AP) is defined for ${limit} detections per image in the reference, which gives -1 with the limits ${maxDetections.join(', ')}; here it is that of the largest`,
  ];
}

function resultWarnings(
  groundTruth: CocoGroundTruth,
  { detections, kind, hasBoxAndMask, numUnknownImages }: CocoResults,
  { iouType, strict }: CocoParameters,
): readonly string[] {
  const warnings: string[] = [];
  if (kind === undefined)
    warnings.push('the results are empty: the reference fails to read them; here AP is 0');
  if (numUnknownImages > 0)
    warnings.push(
      `${numUnknownImages} detections are of images that the ground truth does not list`,
    );
  const known = new Set(groundTruth.categories.map(({ id }) => id));
  const unknown = new Map<number, number>();
  for (const id of detections.categoryOf)
    if (!known.has(id)) unknown.set(id, (unknown.get(id) ?? 0) + 1);
  if (unknown.size > 0)
    warnings.push(
      `${[...unknown.values()].reduce((a, b) => a + b)} detections are of categories that the ground truth does not list and are left out: ${[...unknown.keys()].slice(0, 10).join(', ')}${unknown.size > 10 ? ', …' : ''}`,
    );
  if (hasBoxAndMask && iouType === 'segm' && strict)
    warnings.push(
      'the first result has a box and a mask: as in the reference, area ranges go by the boxes; give --no-strict to go by the masks',
    );
  const numOtherSize = masksOfOtherSize(groundTruth, detections);
  if (numOtherSize > 0)
    warnings.push(
      `${numOtherSize} masks have another size than their image and match nothing of its size`,
    );
  return warnings;
}

function masksOfOtherSize(
  groundTruth: CocoGroundTruth,
  { masks, imageOf }: CocoResults['detections'],
): number {
  if (!masks) return 0;
  const indexOf = new Map(Array.from(groundTruth.imageIds, (id, index) => [id, index]));
  let count = 0;
  for (let i = 0; i < imageOf.length; i++) {
    const image = indexOf.get(imageOf[i]) ?? -1;
    if (!(groundTruth.imageHeights[image] > 0)) continue;
    const isSame =
      masks.heights[i] === groundTruth.imageHeights[image] &&
      masks.widths[i] === groundTruth.imageWidths[image];
    if (!isSame) count++;
  }
  return count;
}
