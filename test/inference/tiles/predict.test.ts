import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { cutImage, partsOf, type RgbImage } from '../../../core/image.js';
import { Random } from '../../../core/random.js';
import { expandMask, type DetectResult, type SegmentResult } from '../../../core/results.js';
import { rleArea } from '../../../core/rle.js';
import { openEngine } from '../../../engine/runtime/engine.js';
import { modelOf } from '../../../inference/model-of.js';
import type { DetectorModel, SegmenterModel } from '../../../inference/model.js';
import { segmentPicture } from '../../../inference/segment/picture.js';
import {
  createSegmenterPredictor,
  type SegmenterPredictor,
} from '../../../inference/segment/predictor.js';
import { segmenterInputs } from '../../../inference/segment/preprocess.js';
import { tileGrid, tilesOf } from '../../../inference/tiles/grid.js';
import { DETECTION_THRESHOLDS } from '../../../models/detection/config.js';
import { decodeImageBytes } from '../../../io/image/decode.js';
import { tinyNetworks } from '../../helpers/tiny-models.js';
import { TINY_CONFIG, tinyDetector, tinyStore } from '../../train/detect/tiny-detector.js';

const { detect, segment } = tinyNetworks(['a', 'b', 'c']);
const CARD = segment.card;

let detector: DetectorModel;
let segmenter: SegmenterModel;
let predictor: SegmenterPredictor;

beforeAll(async () => {
  const engine = await openEngine();
  const model = tinyDetector();
  detector = modelOf<'detect'>(engine, {
    card: {
      ...detect.card,
      detector: TINY_CONFIG,
      // Random masks are near one half; above 0.3, every pixel of a box belongs to its object.
      thresholds: { ...DETECTION_THRESHOLDS, maskThreshold: 0.3 },
    },
    model,
    store: tinyStore(model),
  });
  segmenter = modelOf<'segment'>(engine, segment);
  const { model: upernet, store } = segment;
  predictor = createSegmenterPredictor({ engine, model: upernet, store });
});
afterAll(async () => {
  await detector.release();
  await segmenter.release();
  await predictor.release();
});

/** Blocks of colors, which give the scores of a random network some structure. */
function picture(width: number, height: number, seed = 1): RgbImage {
  const random = new Random(seed);
  const colors = Array.from({ length: 400 }, () => random.integer(256));
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) data[at++] = colors[(7 * (x >> 4) + 29 * (y >> 4) + c) % 400];
  return { width, height, data };
}

describe('a picture of one tile has the result without tiles', () => {
  test.each([
    [90, 70, 128],
    [128, 128, 128],
    [64, 20, 64],
  ])('%i x %i in tiles of %i', async (width, height, size) => {
    const image = picture(width, height);
    const tile = { size };
    expect(await detector.predict(image, { tile })).toEqual(await detector.predict(image));
    expect(await segmenter.predict(image, { tile })).toEqual(await segmenter.predict(image));
  });
});

describe('detection in tiles', () => {
  let image: RgbImage;
  let result: DetectResult;
  beforeAll(async () => {
    image = picture(300, 170);
    result = await detector.predict(image, { tile: { size: 96, overlap: 0.25 } });
  });

  test('finds in the picture what its tiles show', async () => {
    const rects = tilesOf(tileGrid(image, { size: 96, overlap: 0.25 }));
    expect(rects).toHaveLength(12);
    const boxes: number[][] = [];
    for (const rect of rects) {
      const { objects } = await detector.predict(cutImage(image, rect));
      boxes.push(...objects.map(({ box: [x, y, w, h] }) => [x + rect.x, y + rect.y, w, h]));
    }
    expect(result.objects.length).toBeGreaterThan(20);
    expect(result.objects.length).toBeLessThan(boxes.length);
    const scores = result.objects.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    const whole = result.objects.filter(({ box }) =>
      boxes.some((other) => other.every((value, i) => Math.abs(value - box[i]) < 1e-3)),
    );
    expect(whole.length).toBeGreaterThan(result.objects.length / 2);
    for (const { box, mask } of result.objects) {
      expect(box[0] + box[2]).toBeLessThanOrEqual(300);
      expect(box[1] + box[3]).toBeLessThanOrEqual(170);
      expect(mask?.size).toEqual([170, 300]);
    }
    expect(result.objects.some(({ mask }) => mask && rleArea(expandMask(mask)) > 0)).toBe(true);
  });

  test('is the same for a model with tiles, and for a file that is turned', async () => {
    const { width, height, data } = image;
    const raw = sharp(Buffer.from(data), { raw: { width, height, channels: 3 } });
    const turned = await raw.rotate(270).withMetadata({ orientation: 6 }).tiff().toBuffer();
    const upright = await decodeImageBytes(turned, 'turned.tif', { upright: true });
    expect([upright.width, upright.height]).toEqual([width, height]);
    const tile = { size: 96, overlap: 0.25 };
    expect(await detector.predict(turned, { tile })).toEqual(
      await detector.predict(upright, { tile }),
    );
    expect(await detector.predict(image, { tile })).toEqual(result);
  });

  test('limits and scores are those of the picture', async () => {
    const tile = { size: 96, overlap: 0.25 };
    const least = result.objects[5].score;
    const { objects } = await detector.predict(image, { tile, score: least });
    expect(objects).toEqual(result.objects.filter(({ score }) => score >= least));
    expect((await detector.predict(image, { tile, max: 3 })).objects).toEqual(
      result.objects.slice(0, 3),
    );
  });
});

describe('segmentation in tiles', () => {
  test.each([
    [{ size: 64, overlap: 0.25 }, false],
    [{ size: 80, overlap: 0 }, true],
    [{ size: 64, overlap: 0.7 }, false],
  ])('is the highest sum of faded scores: %j, flipped: %s', async (tile, flip) => {
    const image = picture(210, 150, 3);
    const mode = { window: null, flip };
    const options = { card: CARD, mode, tile };
    const labels = await segmentPicture(predictor, partsOf(image), options);
    expect(labels).toEqual(await slowly(image, tile, mode));
    expect(new Set(labels).size).toBeGreaterThan(1);
  });

  test('is the result of the model', async () => {
    const image = picture(210, 150, 3);
    const tile = { size: 64, overlap: 0.25 };
    const result: SegmentResult = await segmenter.predict(image, { tile });
    const options = { card: CARD, mode: { window: null, flip: false }, tile };
    expect(result.labels).toEqual(await segmentPicture(predictor, partsOf(image), options));
    expect([result.width, result.height]).toEqual([210, 150]);
  });

  /** The same with all scores of all tiles in memory. */
  async function slowly(
    image: RgbImage,
    tile: { readonly size: number; readonly overlap: number },
    mode: { readonly window: null; readonly flip: boolean },
  ): Promise<Uint8Array> {
    const grid = tileGrid(image, tile);
    const fade = (starts: readonly number[], i: number, side: number, at: number): number => {
      const left = i > 0 ? (at + 0.5) / (starts[i - 1] + side - starts[i]) : 1;
      const right =
        i + 1 < starts.length ? (side - at - 0.5) / (starts[i] + side - starts[i + 1]) : 1;
      return Math.fround(Math.min(1, left, right));
    };
    const sums = new Float32Array(image.width * image.height * 3);
    for (const [r, top] of grid.tops.entries())
      for (const [c, left] of grid.lefts.entries()) {
        const { width, height } = grid;
        const part = cutImage(image, { x: left, y: top, width, height });
        const rows = await predictor.scores(segmenterInputs(part, CARD), { width, height }, mode);
        for (let y = 0; y < height; y++) {
          const row = rows.row(y);
          for (let x = 0; x < width; x++) {
            const weight = fade(grid.tops, r, height, y) * fade(grid.lefts, c, width, x);
            const at = 3 * ((top + y) * image.width + left + x);
            for (let k = 0; k < 3; k++) sums[at + k] += weight * row[3 * x + k];
          }
        }
      }
    return Uint8Array.from({ length: image.width * image.height }, (_, i) => {
      const scores = [...sums.subarray(3 * i, 3 * i + 3)];
      return scores.indexOf(Math.max(...scores));
    });
  }
});

test('tiles out of range are refused before anything runs', async () => {
  const image = picture(100, 100);
  await expect(detector.predict(image, { tile: { size: 10 } })).rejects.toThrow(ConfigError);
  await expect(segmenter.predict(image, { tile: { size: 128, overlap: 1 } })).rejects.toThrow(
    'overlap',
  );
});
