import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { ConfigError, ShapeError, WorkError } from '../../../core/errors.js';
import { Random } from '../../../core/random.js';
import { bilinearMatrix } from '../../../engine/ops/resize.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { openEngine, type Engine } from '../../../engine/runtime/engine.js';
import {
  joinedRows,
  labelsOf,
  mapRows,
  meanProbabilityRows,
  resizedRows,
  type ScoreRows,
} from '../../../inference/segment/score-rows.js';
import {
  createSegmenterPredictor,
  type SegmenterPredictor,
} from '../../../inference/segment/predictor.js';
import { windowGrid } from '../../../inference/segment/windows.js';
import { createUperNet, type UperNet } from '../../../models/upernet.js';
import { maxError } from '../../helpers/fixtures.js';

const map = (height: number, width: number, channels: number, data: readonly number[]): ScoreRows =>
  mapRows(Float32Array.from(data), { height, width, channels });
const all = (rows: ScoreRows): number[] =>
  Array.from({ length: rows.height }, (_, y) => Array.from(rows.row(y))).flat();

describe('score rows', () => {
  test('resizing is the product with the interpolation matrices, in any order of rows', () => {
    const side = fc.integer({ min: 1, max: 7 });
    fc.assert(
      fc.property(side, side, side, side, fc.integer(), (h, w, height, width, seed) => {
        const random = new Random(seed);
        const data = Array.from({ length: h * w * 2 }, () => random.normal());
        const rows = resizedRows(map(h, w, 2, data), { height, width });
        const [v, u] = [bilinearMatrix(h, height), bilinearMatrix(w, width)];
        const order = random.shuffle(Array.from({ length: 2 * height }, (_, i) => i % height));
        for (const y of order) {
          const expected = Array.from({ length: width * 2 }, (_, i) => {
            let sum = 0;
            for (let a = 0; a < h; a++)
              for (let b = 0; b < w; b++)
                sum += v[y * h + a] * u[(i >> 1) * w + b] * data[(a * w + b) * 2 + (i & 1)];
            return sum;
          });
          expect(maxError(rows.row(y), expected)).toBeLessThan(1e-5);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('windows are averaged where they overlap', () => {
    const grid = { tops: [0], lefts: [0, 1], height: 1, width: 2 };
    const windows = [map(1, 2, 1, [2, 4]), map(1, 2, 1, [8, 6])];
    expect(all(joinedRows(windows, grid, { height: 1, width: 3 }))).toEqual([2, 6, 6]);
  });

  test('probabilities are averaged after the softmax, of large logits, too', () => {
    const mean = meanProbabilityRows([map(1, 1, 2, [1000, 0]), map(1, 1, 2, [0, Math.log(3)])]);
    expect(maxError(all(mean), [0.625, 0.375])).toBeLessThan(1e-6);
  });

  test('of equal scores the first class wins', () => {
    expect(labelsOf(map(1, 2, 3, [1, 1, 0, 0, 2, 2]))).toEqual(Uint8Array.of(0, 1));
  });
});

describe('windows', () => {
  test('by hand', () => {
    const grid = windowGrid({ width: 160, height: 64 }, { cropSize: 64, stride: 43 });
    expect(grid).toEqual({ tops: [0], lefts: [0, 43, 86, 96], height: 64, width: 64 });
  });

  test('an image smaller than the window is taken whole', () => {
    const grid = windowGrid({ width: 50, height: 40 }, { cropSize: 64, stride: 43 });
    expect(grid).toEqual({ tops: [0], lefts: [0], height: 40, width: 50 });
  });

  test('every pixel is covered and no window leaves the image', () => {
    const size = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(size, size, size, fc.double({ min: 0, max: 1, noNaN: true }), (w, h, c, part) => {
        const stride = Math.max(1, Math.round(part * c));
        const grid = windowGrid({ width: w, height: h }, { cropSize: c, stride });
        for (const [starts, length, side] of [
          [grid.lefts, grid.width, w],
          [grid.tops, grid.height, h],
        ] as const) {
          expect(starts[0]).toBe(0);
          expect((starts.at(-1) as number) + length).toBe(side);
          starts
            .slice(1)
            .forEach((start, i) => expect(start - starts[i]).toBeLessThanOrEqual(length));
        }
      }),
    );
  });
});

const MODEL: UperNet = createUperNet(
  createDenseBackbone({ depths: [1, 1, 1, 1], dims: [4, 8, 8, 8], responseNorm: 'grn' }),
  { numClasses: 3, channels: 8, poolScales: [1, 2, 3, 6], auxiliary: { channels: 4, weight: 0.4 } },
);

describe('predictor', () => {
  let engine: Engine;
  let predictor: SegmenterPredictor;
  const store = new ParameterStore(MODEL.specs);
  const view = (
    width: number,
    height: number,
  ): { width: number; height: number; data: Float32Array } => {
    const random = new Random(width, height);
    const data = Float32Array.from({ length: width * height * 3 }, () => random.normal());
    return { width, height, data };
  };
  beforeAll(async () => {
    engine = await openEngine();
    store.initialize(1);
    predictor = createSegmenterPredictor({ engine, model: MODEL, store });
  });
  afterAll(() => predictor.release());

  test('sides that are no multiple of 32 work; the result has the size asked for', async () => {
    const labels = await predictor.segment([view(70, 45)], { width: 33, height: 90 });
    expect(labels.length).toBe(33 * 90);
    expect(labels.every((label) => label < 3)).toBe(true);
  });

  test.each([
    [70, 7],
    [5, 64],
    [1, 1],
    [31, 32],
  ])(
    'an image of %i x %i is padded with zeros at the right and bottom to the coarsest stride',
    async (width, height) => {
      const image = view(width, height);
      const [wide, high] = [Math.max(width, 32), Math.max(height, 32)];
      const canvas = { width: wide, height: high, data: new Float32Array(wide * high * 3) };
      for (let y = 0; y < height; y++)
        for (let v = 0; v < 3 * width; v++)
          canvas.data[3 * y * wide + v] = image.data[3 * y * width + v];
      const scores = await predictor.scores([image], image);
      const ofCanvas = await predictor.scores([canvas], canvas);
      expect([scores.width, scores.height]).toEqual([width, height]);
      for (let y = 0; y < height; y++)
        expect(scores.row(y)).toEqual(ofCanvas.row(y).slice(0, 3 * width));
      const mode = { window: { cropSize: 32, stride: 16 }, flip: true };
      const labels = await predictor.segment([image, image], { width: 90, height: 40 }, mode);
      expect(labels.length).toBe(90 * 40);
    },
  );

  test('a window larger than the image is the whole image', async () => {
    const image = view(64, 48);
    const whole = all(await predictor.scores([image], image));
    const window = { cropSize: 512, stride: 341 };
    expect(all(await predictor.scores([image], image, { window, flip: false }))).toEqual(whole);
  });

  test('how many windows run together changes nothing', async () => {
    const image = view(96, 64);
    const mode = { window: { cropSize: 64, stride: 16 }, flip: false };
    const single = createSegmenterPredictor({ engine, model: MODEL, store, maxBatchPixels: 1 });
    const scores = all(await single.scores([image], image, mode));
    expect(maxError(all(await predictor.scores([image], image, mode)), scores)).toBeLessThan(1e-5);
    await single.release();
  });

  test('with flip a mirrored image gives the mirrored result', async () => {
    const image = view(64, 64);
    const mirrored = new Float32Array(image.data.length);
    for (let i = 0; i < 64 * 64; i++)
      mirrored.set(image.data.subarray(3 * i, 3 * i + 3), 3 * (i - (i % 64) + 63 - (i % 64)));
    const mode = { window: null, flip: true };
    const scores = await predictor.scores([image], image, mode);
    const other = await predictor.scores([{ ...image, data: mirrored }], image, mode);
    const pixels = (row: Float32Array): number[][] =>
      Array.from({ length: 64 }, (_, x) => Array.from(row.subarray(3 * x, 3 * x + 3)));
    const [a, b] = [pixels(scores.row(20)), pixels(other.row(20)).reverse()];
    expect(maxError(a.flat(), b.flat())).toBeLessThan(1e-5);
  });

  test('bad input is named before anything runs', async () => {
    const size = { width: 64, height: 64 };
    const good = view(64, 64);
    await expect(predictor.segment([{ ...good, height: 0 }], size)).rejects.toThrow(ShapeError);
    await expect(predictor.segment([{ ...good, width: 65 }], size)).rejects.toThrow(ShapeError);
    await expect(predictor.segment([], size)).rejects.toThrow(ConfigError);
    for (const window of [
      { cropSize: 31, stride: 1 },
      { cropSize: 64, stride: 65 },
      { cropSize: 64, stride: 0 },
    ])
      await expect(predictor.segment([good], size, { window, flip: false })).rejects.toThrow(
        ConfigError,
      );
  });

  test('scores that are not finite end the work', async () => {
    const broken = new ParameterStore(MODEL.specs, store.values.slice());
    broken.get('decode_head.conv_seg.bias')[0] = NaN;
    const other = createSegmenterPredictor({ engine, model: MODEL, store: broken });
    const image = view(32, 32);
    await expect(other.segment([image], image)).rejects.toThrow(WorkError);
    await other.release();
  });
});
