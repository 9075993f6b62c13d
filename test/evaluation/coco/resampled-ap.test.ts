import { describe, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { CocoEvaluator, type CocoResult } from '../../../evaluation/coco/evaluator.js';
import { CocoDetectionsBuilder, CocoGroundTruthBuilder } from '../../../evaluation/coco/objects.js';
import { cocoParameters } from '../../../evaluation/coco/parameters.js';
import { resampledAp } from '../../../evaluation/coco/resampled-ap.js';

const NUM_IMAGES = 8;
const CATEGORIES = [1, 2, 3].map((id) => ({ id, name: `c${id}` }));

interface Objects {
  readonly truth: readonly { categoryId: number; box: number[]; isCrowd: boolean }[];
  readonly found: readonly { categoryId: number; box: number[]; score: number }[];
}

/** Objects and detections of one image. */
function imageOf(random: Random): Objects {
  const box = (): number[] => [
    random.integer(60),
    random.integer(60),
    8 + random.integer(30),
    8 + random.integer(30),
  ];
  const truth = Array.from({ length: random.integer(5) }, () => {
    return { categoryId: 1 + random.integer(3), box: box(), isCrowd: random.uniform() < 0.1 };
  });
  const near = truth.flatMap(({ categoryId, box: [x, y, w, h] }) =>
    random.uniform() < 0.7
      ? [{ categoryId, box: [x + random.integer(6), y, w, h + random.integer(4)] }]
      : [],
  );
  const far = Array.from({ length: random.integer(4) }, () => ({
    categoryId: 1 + random.integer(3),
    box: box(),
  }));
  const found = [...near, ...far].map((each) => ({ ...each, score: random.uniform() }));
  return { truth, found };
}

/** Evaluates images, some of them several times. */
function evaluated(images: readonly Objects[]): CocoResult {
  const imageIds = Float64Array.from(images, (_, i) => i + 1);
  const sides = new Float64Array(images.length).fill(100);
  const truth = new CocoGroundTruthBuilder({
    imageIds,
    imageHeights: sides,
    imageWidths: sides,
    categories: CATEGORIES,
  });
  const found = new CocoDetectionsBuilder();
  let id = 1;
  images.forEach((image, i) => {
    for (const object of image.truth)
      truth.add({ id: id++, imageId: i + 1, area: object.box[2] * object.box[3], ...object });
    for (const object of image.found) found.add({ imageId: i + 1, ...object });
  });
  const evaluator = new CocoEvaluator(truth.build(), cocoParameters('bbox'));
  evaluator.update(found.build());
  return evaluator.finish();
}

describe.each([1, 2, 3, 4, 5, 6])('seed %i', (seed) => {
  const random = new Random(seed);
  const images = Array.from({ length: NUM_IMAGES }, () => imageOf(random));
  const result = evaluated(images);
  const metricsOf = resampledAp(result);

  test('every image once gives the numbers of the evaluation', () => {
    const { AP, AP50, AP75 } = metricsOf(new Uint32Array(NUM_IMAGES).fill(1));
    [AP, AP50, AP75].forEach((value, i) => expect(value).toBeCloseTo(result.stats[i], 12));
  });

  test('an image drawn several times counts like so many images', () => {
    for (let i = 0; i < 10; i++) {
      const draws = Uint32Array.from({ length: NUM_IMAGES }, () => random.integer(3));
      const copies = images.flatMap((image, k) => Array.from({ length: draws[k] }, () => image));
      const { stats } = evaluated(copies);
      const { AP, AP50, AP75 } = metricsOf(draws);
      [AP, AP50, AP75].forEach((value, s) =>
        expect(Number.isNaN(value) ? -1 : value).toBeCloseTo(stats[s], 12),
      );
    }
  });
});

test('without objects nothing is defined', () => {
  const metricsOf = resampledAp(evaluated([imageOf(new Random(1)), { truth: [], found: [] }]));
  expect(metricsOf(Uint32Array.of(0, 2))).toEqual({ AP: NaN, AP50: NaN, AP75: NaN });
});
