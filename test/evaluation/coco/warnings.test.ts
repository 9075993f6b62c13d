import { describe, expect, test } from 'vitest';
import type { CocoDomain, GroundTruthObject, ResultRecord, RleRecord } from '../../../core/coco.js';
import { rleFromPolygons } from '../../../core/rle-polygons.js';
import { cocoParameters, type CocoParameters } from '../../../evaluation/coco/parameters.js';
import { CocoGroundTruthBuilder } from '../../../evaluation/coco/objects.js';
import { CocoResultsBuilder } from '../../../evaluation/coco/results-builder.js';
import { cocoWarnings } from '../../../evaluation/coco/warnings.js';

const DOMAIN: CocoDomain = {
  imageIds: Float64Array.of(1),
  imageHeights: Float64Array.of(4),
  imageWidths: Float64Array.of(4),
  categories: [{ id: 1, name: 'a' }],
};
const annotation: GroundTruthObject = {
  id: 1,
  imageId: 1,
  categoryId: 1,
  area: 4,
  box: [0, 0, 2, 2],
  mask: rleFromPolygons([[0, 0, 2, 0, 2, 2, 0, 2]], 4, 4),
};
const detection = { image_id: 1, category_id: 1, score: 1, bbox: [0, 0, 2, 2] };
const mask: RleRecord = { size: [4, 4], counts: [16] };

function warningsOf(
  annotations: readonly GroundTruthObject[],
  detections: readonly ResultRecord[],
  parameters: CocoParameters = cocoParameters('bbox'),
): readonly string[] {
  const { iouType, strict } = parameters;
  const groundTruth = new CocoGroundTruthBuilder(DOMAIN);
  for (const object of annotations) groundTruth.add(object);
  const results = new CocoResultsBuilder(DOMAIN, { iouType, strict, unknownImages: 'leaveOut' });
  for (const record of detections) results.add(record);
  return cocoWarnings(groundTruth.build(), results.build(), parameters);
}

test('typical files give no warnings', () => {
  expect(warningsOf([annotation], [detection])).toEqual([]);
  const keypoints = cocoParameters('segm');
  expect(
    warningsOf([annotation], [{ ...detection, bbox: [], segmentation: mask }], keypoints),
  ).toEqual([]);
});

describe('there is a warning about', () => {
  test.each<[string, GroundTruthObject[], ResultRecord[], CocoParameters, RegExp]>([
    [
      'id 0',
      [{ ...annotation, id: 0 }],
      [detection],
      cocoParameters('bbox'),
      /^annotation 0: .*--no-strict/,
    ],
    [
      'ignore',
      [{ ...annotation, ignore: true }],
      [detection],
      cocoParameters('bbox'),
      /^1 annotations have "ignore"/,
    ],
    ['no annotations', [], [detection], cocoParameters('bbox'), /holds no annotations/],
    ['no results', [annotation], [], cocoParameters('bbox'), /results are empty/],
    [
      'limits without 100',
      [annotation],
      [detection],
      cocoParameters('bbox', { maxDetections: [1, 300] }),
      /defined for 100 .* limits 1, 300/,
    ],
    [
      'unknown images',
      [annotation],
      [detection, { ...detection, image_id: 9 }],
      cocoParameters('bbox'),
      /^1 detections are of images/,
    ],
    [
      'unknown categories',
      [annotation],
      [detection, { ...detection, category_id: 77 }],
      cocoParameters('bbox'),
      /^1 detections are of categories .*: 77$/,
    ],
    [
      'boxes and masks',
      [annotation],
      [{ ...detection, segmentation: mask }],
      cocoParameters('segm'),
      /area ranges go by the boxes/,
    ],
    [
      'masks of another size',
      [annotation],
      [{ ...detection, bbox: [], segmentation: { size: [2, 2], counts: [4] } }],
      cocoParameters('segm'),
      /^1 masks have another size/,
    ],
  ])('%s', (_, annotations, detections, parameters, message) => {
    const warnings = warningsOf(annotations, detections, parameters);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(message);
  });

  test('no warnings about strictness without it', () => {
    const lenient = cocoParameters('segm', { strict: false });
    const both = { ...detection, segmentation: mask };
    expect(warningsOf([{ ...annotation, id: 0, ignore: true }], [both], lenient)).toEqual([]);
  });
});
