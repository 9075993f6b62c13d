import { beforeAll, describe, expect, test } from 'vitest';
import { decodeRle, rleArea } from '../../../core/rle.js';
import { Random } from '../../../core/random.js';
import type { Engine } from '../../../engine/runtime/engine.js';
import type { DetectionThresholds, DetectorConfig } from '../../../models/detection/config.js';
import { DETECTION_THRESHOLDS } from '../../../models/detection/config.js';
import { flipBoxes, flipView } from '../../../inference/detect/tta.js';
import type { DetectorInput } from '../../../inference/detect/preprocess.js';
import type { Prediction } from '../../../inference/detect/prediction.js';
import { DetectorPredictor } from '../../../inference/detect/predictor.js';
import { maxError } from '../../helpers/fixtures.js';
import { engineOf } from '../../parity/maskrcnn-fixture.js';
import { TINY_CONFIG, tinyDetector, tinyStore } from '../../train/detect/tiny-detector.js';

let engine: Engine;
beforeAll(async () => {
  engine = await engineOf('compiled');
});

/** Thresholds that an untrained network passes. */
const LOW: DetectionThresholds = {
  ...DETECTION_THRESHOLDS,
  scoreThreshold: 0.2,
  maxPerImage: 20,
  maskThreshold: 0.3,
};

const model = tinyDetector();
const predictorOf = (
  thresholds: DetectionThresholds = LOW,
  config: DetectorConfig = TINY_CONFIG,
): DetectorPredictor => {
  const own = tinyDetector(config);
  return new DetectorPredictor({ engine, model: own, store: tinyStore(own), thresholds });
};

/** Noise of that padded size; the image fills it but for `missing` pixels. */
function noise(height: number, width: number, missing = 0, seed = 1): DetectorInput {
  const random = new Random(seed);
  const imageSize = { width: width - missing, height: height - missing };
  return {
    shape: [1, height, width, 3],
    data: Float32Array.from({ length: height * width * 3 }, () => random.between(-1, 1)),
    imageSize,
    originalSize: { width: 2 * imageSize.width, height: 2 * imageSize.height },
    scale: { x: 0.5, y: 0.5 },
  };
}

const expectInside = ({ boxes }: Prediction, { originalSize }: DetectorInput): void => {
  for (let i = 0; i < boxes.length; i += 2) {
    expect(boxes[i]).toBeGreaterThanOrEqual(0);
    expect(boxes[i]).toBeLessThanOrEqual(originalSize.width);
    expect(boxes[i + 1]).toBeLessThanOrEqual(originalSize.height);
  }
};

test('detections are sorted, inside the original image, and have masks of its size', async () => {
  const predictor = predictorOf();
  const image = noise(64, 96, 7);
  const found = await predictor.predict(image);
  expect(found.scores.length).toBe(20);
  expect([...found.scores]).toEqual([...found.scores].sort((a, b) => b - a));
  expectInside(found, image);
  expect(found.masks.length).toBe(20);
  const { width, height } = image.originalSize;
  expect(found.masks.every((mask) => mask.width === width && mask.height === height)).toBe(true);
  expect(found.masks.some((mask) => rleArea(mask) > 0)).toBe(true);
  await predictor.release();
});

test('sizes in any order give what a new predictor gives', async () => {
  const sizes = [
    [64, 96],
    [128, 32],
    [32, 32],
    [256, 256],
    [64, 96],
  ] as const;
  const predictor = predictorOf();
  for (const [height, width] of sizes) {
    const image = noise(height, width);
    const fresh = predictorOf();
    expect(await predictor.predict(image)).toEqual(await fresh.predict(image));
    await fresh.release();
  }
  await predictor.release();
});

describe.each([
  ['1×1 pixel', 32, 32, 31],
  ['a thin strip', 32, 1344, 21],
  ['a narrow tower', 1344, 32, 21],
])('%s', (_, height, width, missing) => {
  test('is searched like any image', async () => {
    const predictor = predictorOf();
    const image = noise(height, width, missing);
    const found = await predictor.predict(image);
    expectInside(found, image);
    expect(found.masks.length).toBe(found.scores.length);
    await predictor.release();
  });
});

test('nothing above the threshold is no detection, not an error', async () => {
  const predictor = predictorOf({ ...LOW, scoreThreshold: 1 });
  const found = await predictor.predict(noise(64, 96));
  expect(found).toEqual({
    boxes: new Float32Array(0),
    scores: new Float32Array(0),
    classIndices: new Int32Array(0),
    masks: [],
  });
  await predictor.release();
});

test('a model without masks gives boxes alone', async () => {
  const predictor = predictorOf(LOW, { ...TINY_CONFIG, masks: null });
  const found = await predictor.predict(noise(64, 96));
  expect(found.scores.length).toBeGreaterThan(0);
  expect(found.masks).toEqual([]);
  await predictor.release();
});

test.each([
  { kind: 'linear', iouThreshold: 0.5 } as const,
  { kind: 'gaussian', sigma: 0.5 } as const,
])('soft suppression lowers scores instead of dropping boxes: $kind', async (decay) => {
  const all = { ...LOW, maxPerImage: 1000 };
  const image = noise(64, 96);
  const hard = predictorOf(all);
  const soft = predictorOf({ ...all, suppression: { kind: 'soft', decay, minScore: 0 } });
  const [kept, decayed] = [await hard.predict(image), await soft.predict(image)];
  expect(decayed.scores.length).toBeGreaterThan(kept.scores.length);
  expect(decayed.scores[0]).toBe(kept.scores[0]);
  await hard.release();
  await soft.release();
});

test('views of one image can be joined: candidates and masks are there one by one', async () => {
  const predictor = predictorOf();
  const { boxes, scores } = await predictor.candidates(noise(64, 96));
  const count = scores.length / 4;
  expect(boxes.length).toBe(count * 12);
  const box = Float32Array.of(10, 10, 100, 80);
  const masks = await predictor.maskProbabilities(box, Int32Array.of(2));
  expect(masks.length).toBe(64);
  expect(masks.every((p) => p > 0 && p < 1)).toBe(true);
  await predictor.release();
});

describe('several views of an image', () => {
  const plain = { ...noise(64, 96, 7), isFlipped: false };
  const same = (actual: Prediction, expected: Prediction): void => {
    expect(actual.classIndices).toEqual(expected.classIndices);
    expect(maxError(actual.scores, expected.scores)).toBeLessThan(1e-6);
    expect(maxError(actual.boxes, expected.boxes)).toBeLessThan(1e-3);
  };

  test('the same view twice gives what it gives once', async () => {
    const predictor = predictorOf();
    const once = await predictor.predict(plain);
    const twice = await predictor.predictViews([plain, plain]);
    expect(twice).toEqual(once);
    await predictor.release();
  });

  test('a view mirrored twice is the view', async () => {
    const predictor = predictorOf();
    const once = await predictor.predictViews([plain, flipView(plain)]);
    expect(await predictor.predictViews([flipView(flipView(plain)), flipView(plain)])).toEqual(
      once,
    );
    await predictor.release();
  });

  test('detections in the flipped input are flipped back', async () => {
    const predictor = predictorOf();
    const mirror = flipView(plain);
    const back = await predictor.predictViews([mirror]);
    const direct = await predictor.predict({ ...mirror });
    const { width } = plain.originalSize;
    same(back, { ...direct, boxes: flipBoxes(direct.boxes, width) });
    const differing = back.masks.map((mask, d) => {
      const [a, b] = [decodeRle(mask), decodeRle(direct.masks[d])];
      const row = (i: number): number => Math.floor(i / width) * width;
      return a.filter((value, i) => value !== b[row(i) + width - 1 - (i - row(i))]).length;
    });
    // A probability that equals the threshold may fall to either side.
    expect(Math.max(...differing)).toBeLessThanOrEqual(4);
    await predictor.release();
  });

  test('every view contributes: the best of both are kept', async () => {
    const predictor = predictorOf({ ...LOW, maxPerImage: 5 });
    const [a, b] = [plain, { ...noise(64, 96, 7, 2), isFlipped: false }];
    const best = Math.max(
      (await predictor.predict(a)).scores[0],
      (await predictor.predict(b)).scores[0],
    );
    expect((await predictor.predictViews([a, b])).scores[0]).toBe(best);
    await predictor.release();
  });

  test('views of different images are refused, and so is none', async () => {
    const predictor = predictorOf();
    const other = { ...plain, originalSize: { width: 5, height: 5 } };
    await expect(predictor.predictViews([plain, other])).rejects.toThrow(
      'predictViews: expected views of one image of 178x114, got one of 5x5',
    );
    await expect(predictor.predictViews([])).rejects.toThrow('expected views, got none');
    await predictor.release();
  });
});

describe('what cannot be searched is refused', () => {
  test('sizes', async () => {
    const predictor = predictorOf();
    await expect(predictor.predict(noise(60, 96))).rejects.toThrow(
      'predict: expected images [N, H, W, 3] padded to multiples of 32, got [1, 60, 96, 3]',
    );
    const two = { ...noise(64, 96), shape: [2, 32, 96, 3] };
    await expect(predictor.predict(two)).rejects.toThrow('expected one image at a time, got 2');
    await predictor.release();
  });

  test('masks before an image', async () => {
    await expect(
      predictorOf().maskProbabilities(new Float32Array(4), new Int32Array(1)),
    ).rejects.toThrow('expected a call of candidates before');
  });

  test('weights that are not finite', async () => {
    const store = tinyStore(model);
    store.get('rpn_head.rpn_reg.weight').fill(NaN);
    const predictor = new DetectorPredictor({ engine, model, store, thresholds: LOW });
    await expect(predictor.predict(noise(64, 96))).rejects.toThrow('expected finite scores');
    await predictor.release();
  });
});
