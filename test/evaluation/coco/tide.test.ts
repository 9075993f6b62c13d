import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rleFromPolygons } from '../../../core/rle-polygons.js';
import type { XywhBox } from '../../../core/rle.js';
import { errorBreakdown, ERROR_KINDS } from '../../../evaluation/coco/error-breakdown.js';
import { CocoDetectionsBuilder, CocoGroundTruthBuilder } from '../../../evaluation/coco/objects.js';

/** Made by test/oracles/tide.py with tidecv itself. */
interface Case {
  readonly side: number;
  readonly images: number;
  readonly classes: readonly number[];
  /** Image, category, box. */
  readonly truth: readonly (readonly number[])[];
  /** Image, category, score, box. */
  readonly found: readonly (readonly number[])[];
  readonly expected: Readonly<Record<'bbox' | 'segm', Expected>>;
}
interface Expected {
  readonly AP: number;
  readonly gains: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly special: { readonly FalsePos: number; readonly FalseNeg: number };
}

const CASES = JSON.parse(
  readFileSync('test/fixtures/metrics/tide.json', 'utf8'),
) as readonly Case[];

/** Octagon inside a box, with corners rounded as in the oracle. */
function octagon([x, y, w, h]: readonly number[]): number[] {
  const c = 0.3;
  const points = [
    [c, 0],
    [1 - c, 0],
    [1, c],
    [1, 1 - c],
    [1 - c, 1],
    [c, 1],
    [0, 1 - c],
    [0, c],
  ];
  return points.flatMap(([px, py]) => [x + w * px, y + h * py]).map((v) => Number(v.toFixed(2)));
}

describe.each(CASES.map((each, i) => [i, each] as const))('result file %i', (_, data) => {
  const { side, images, classes, truth, found, expected } = data;
  const mask = (box: readonly number[]) => rleFromPolygons([octagon(box)], side, side);
  const groundTruth = new CocoGroundTruthBuilder({
    imageIds: Float64Array.from({ length: images }, (__, k) => k + 1),
    imageHeights: new Float64Array(images).fill(side),
    imageWidths: new Float64Array(images).fill(side),
    categories: classes.map((id) => ({ id, name: `c${id}` })),
  });
  truth.forEach(([imageId, categoryId, ...box], k) =>
    groundTruth.add({
      id: k + 1,
      imageId,
      categoryId,
      box: box as unknown as XywhBox,
      area: box[2] * box[3],
      isCrowd: false,
      mask: mask(box),
    }),
  );
  const detections = new CocoDetectionsBuilder();
  for (const [imageId, categoryId, score, ...box] of found)
    detections.add({
      imageId,
      categoryId,
      score,
      box: box as unknown as XywhBox,
      mask: mask(box),
    });
  const built = [groundTruth.build(), detections.build()] as const;

  test.each(['bbox', 'segm'] as const)('errors of %s equal those of tidecv', (iouType) => {
    const { AP, gains, counts, special } = errorBreakdown(...built, { iouType, iouThreshold: 0.5 });
    const { [iouType]: theirs } = expected;
    expect(AP).toBeCloseTo(theirs.AP, 7);
    expect(counts).toEqual(theirs.counts);
    for (const kind of ERROR_KINDS) expect(gains[kind], kind).toBeCloseTo(theirs.gains[kind], 7);
    expect(special.falsePositives).toBeCloseTo(theirs.special.FalsePos, 7);
    expect(special.falseNegatives).toBeCloseTo(theirs.special.FalseNeg, 7);
  });
});
