import { describe, expect, test } from 'vitest';
import { cocoParameters, type CocoParameters } from '../../../evaluation/coco/parameters.js';
import { readCocoResults } from '../../../evaluation/coco/read-detections.js';
import { readCocoGroundTruth } from '../../../evaluation/coco/read-ground-truth.js';
import { cocoWarnings } from '../../../evaluation/coco/warnings.js';

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const annotation = {
  id: 1,
  image_id: 1,
  category_id: 1,
  area: 4,
  bbox: [0, 0, 2, 2],
  iscrowd: 0,
  segmentation: [[0, 0, 2, 0, 2, 2, 0, 2]],
};
const detection = { image_id: 1, category_id: 1, score: 1, bbox: [0, 0, 2, 2] };
const mask = { size: [4, 4], counts: [16] };

function warningsOf(
  annotations: readonly object[],
  detections: readonly object[],
  parameters: CocoParameters = cocoParameters('bbox'),
): readonly string[] {
  const { iouType, strict } = parameters;
  const gt = {
    images: [{ id: 1, height: 4, width: 4 }],
    categories: [{ id: 1, name: 'a' }],
    annotations,
  };
  const truth = readCocoGroundTruth({ bytes: bytes(gt), file: 'gt' }, iouType);
  const results = readCocoResults([{ bytes: bytes(detections), file: 'dt' }], truth, {
    iouType,
    strict,
    unknownImages: 'leaveOut',
    emptyResults: 'accept',
  });
  return cocoWarnings(truth, results, parameters);
}

test('usual files give no warning', () => {
  expect(warningsOf([annotation], [detection])).toEqual([]);
  const keypoints = cocoParameters('segm');
  expect(
    warningsOf([annotation], [{ ...detection, bbox: [], segmentation: mask }], keypoints),
  ).toEqual([]);
});

describe('there is a warning about', () => {
  test.each<[string, object[], object[], CocoParameters, RegExp]>([
    [
      'id 0',
      [{ ...annotation, id: 0 }],
      [detection],
      cocoParameters('bbox'),
      /^annotation 0: .*--no-strict/,
    ],
    [
      'ignore',
      [{ ...annotation, ignore: 1 }],
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

  test('nothing of what strictness explains, without it', () => {
    const lenient = cocoParameters('segm', { strict: false });
    const both = { ...detection, segmentation: mask };
    expect(warningsOf([{ ...annotation, id: 0, ignore: 1 }], [both], lenient)).toEqual([]);
  });
});
