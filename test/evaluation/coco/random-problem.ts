import fc from 'fast-check';
import { encodeRle, rleArea, type Rle, type XywhBox } from '../../../core/rle.js';
import {
  CocoDetectionsBuilder,
  CocoGroundTruthBuilder,
  type CocoDetections,
  type CocoGroundTruth,
} from '../../../evaluation/coco/objects.js';
import type { DetectionRecord, Problem } from './naive-evaluation.js';

const SIDE = 8;
const IMAGE_IDS = [7, 3, 12];
const CATEGORY_IDS = [5, 2, 9];

function boxMask([x, y, w, h]: XywhBox): Rle {
  const pixels = Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [px, py] = [i % SIDE, Math.floor(i / SIDE)];
    return px >= x && px < x + w && py >= y && py < y + h ? 1 : 0;
  });
  return encodeRle(pixels, SIDE, SIDE);
}

const side = fc.integer({ min: 1, max: 4 });
const box = fc
  .record({ x: fc.nat(4), y: fc.nat(4), w: side, h: side })
  .map(({ x, y, w, h }): XywhBox => [x, y, w, h]);

const object = fc.record({
  imageId: fc.constantFrom(7, ...IMAGE_IDS, 7),
  categoryId: fc.constantFrom(5, ...CATEGORY_IDS, 5),
  box,
});

/** Few places, sizes and scores, so that equal IoUs, equal scores and areas on the borders are common. */
export const anyProblem: fc.Arbitrary<Problem> = fc
  .record({
    groundTruth: fc.array(fc.tuple(object, fc.integer({ min: 0, max: 3 })), { maxLength: 14 }),
    detections: fc.array(fc.tuple(object, fc.constantFrom(0.2, 0.5, 0.5, 0.9, -1)), {
      maxLength: 24,
    }),
    firstId: fc.constantFrom(0, 1, 40),
    firstDetectionId: fc.constantFrom(1, 0, -3),
  })
  .map(({ groundTruth, detections, firstId, firstDetectionId }) => ({
    imageIds: IMAGE_IDS,
    categoryIds: CATEGORY_IDS,
    groundTruth: groundTruth.map(([record, kind], i) => ({
      ...record,
      id: firstId + i,
      mask: boxMask(record.box),
      area: record.box[2] * record.box[3],
      isCrowd: kind === 0,
    })),
    detections: detections.map(([record, score], i) => ({
      ...record,
      id: firstDetectionId + i,
      score,
      mask: boxMask(record.box),
      area: rleArea(boxMask(record.box)),
    })),
  }));

/** The ground truth of a problem as the evaluator takes it. */
export function groundTruthOf(problem: Problem): CocoGroundTruth {
  const builder = new CocoGroundTruthBuilder({
    imageIds: Float64Array.from(problem.imageIds),
    imageHeights: Float64Array.from(problem.imageIds, () => SIDE),
    imageWidths: Float64Array.from(problem.imageIds, () => SIDE),
    categories: problem.categoryIds.map((id) => ({ id, name: `category ${id}` })),
  });
  for (const record of problem.groundTruth) builder.add(record);
  return builder.build();
}

/** Detections as the evaluator takes them. */
export function detectionsOf(records: readonly DetectionRecord[]): CocoDetections {
  const builder = new CocoDetectionsBuilder();
  for (const record of records) builder.add(record);
  return builder.build();
}
