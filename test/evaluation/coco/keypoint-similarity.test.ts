import { describe, expect, test } from 'vitest';
import { keypointSimilarity } from '../../../evaluation/coco/keypoint-similarity.js';
import { CocoDetectionsBuilder, CocoGroundTruthBuilder } from '../../../evaluation/coco/objects.js';
import type { Similarity } from '../../../evaluation/coco/objects.js';

const SIGMAS = [0.5, 0.25];

/** One object of 10 x 10 pixels at (10, 10), and detections of two keypoints. */
function similarityOf(
  groundTruth: readonly number[],
  ...predictions: readonly (readonly number[])[]
): Similarity {
  const objects = new CocoGroundTruthBuilder({
    imageIds: Float64Array.of(1),
    imageHeights: Float64Array.of(100),
    imageWidths: Float64Array.of(100),
    categories: [{ id: 1, name: 'pair' }],
  });
  const common = { imageId: 1, categoryId: 1 };
  objects.add({ ...common, id: 1, box: [10, 10, 10, 10], area: 50, keypoints: groundTruth });
  const detections = new CocoDetectionsBuilder();
  for (const keypoints of predictions) detections.add({ ...common, score: 1, keypoints });
  return keypointSimilarity(objects.build(), detections.build(), SIGMAS);
}

function similarities(similarity: Similarity, count: number): number[] {
  const out = new Float64Array(count);
  similarity.fill(
    Uint32Array.from({ length: count }, (_, i) => i),
    Uint32Array.of(0),
    out,
  );
  return [...out];
}

describe('keypointSimilarity', () => {
  test('falls with the squared distance, by the size of the object and the spread of the keypoint', () => {
    const predictions = [
      [10, 10, 1, 20, 20, 1],
      [13, 14, 1, 20, 20, 1],
    ];
    const [exact, off] = similarities(similarityOf([10, 10, 2, 20, 20, 1], ...predictions), 2);
    expect(exact).toBe(1);
    // Distance 5, variance (2 · 0.5)² = 1, area 50: exp(−25 / 1 / 50 / 2).
    expect(off).toBeCloseTo((Math.exp(-0.25) + 1) / 2, 12);
  });

  test('leaves out keypoints that are not labeled', () => {
    const similarity = similarityOf([10, 10, 2, 0, 0, 0], [10, 10, 1, 99, 99, 1]);
    expect(similarities(similarity, 1)).toEqual([1]);
  });

  test('without labels measures how far the keypoints lie outside the doubled box', () => {
    const predictions = [
      [0, 0, 1, 30, 30, 1],
      [-5, 10, 1, 10, 10, 1],
    ];
    const [inside, outside] = similarities(similarityOf([0, 0, 0, 0, 0, 0], ...predictions), 2);
    expect(inside).toBe(1);
    expect(outside).toBeCloseTo((Math.exp(-0.25) + 1) / 2, 12);
  });

  test('has the area of the box around the keypoints', () => {
    expect(similarityOf([10, 10, 2, 20, 20, 1], [1, 2, 1, 5, 9, 1]).area(0)).toBe(28);
  });

  test('rejects another number of keypoints', () => {
    expect(() => similarityOf([10, 10, 2], [1, 2, 1])).toThrow(
      'expected 2 keypoints (x, y, v) a detection, got 3 numbers for 1',
    );
  });
});
