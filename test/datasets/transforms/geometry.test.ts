import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeRle } from '../../../core/rle.js';
import { Random } from '../../../core/random.js';
import type { LabelMap, RgbImage } from '../../../core/image.js';
import type { Segmentation } from '../../../core/coco.js';
import type { Objects } from '../../../datasets/sample.js';
import { transformImage } from '../../../datasets/transforms/geometry-image.js';
import {
  gridOf,
  sizeAfter,
  transformBoxes,
  transformLabels,
  type GeometricStep,
} from '../../../datasets/transforms/geometry.js';
import { maskThroughGrid } from '../../../bench/mask-through-grid.js';
import { segmentationRuns } from '../../../datasets/transforms/mask-grid.js';
import { cropObjectsByMask, transformObjects } from '../../../datasets/transforms/objects.js';
import { padLabels, paddedSize } from '../../../datasets/transforms/pad.js';
import {
  IMAGENET_PIXELS,
  normalizationTable,
  normalizePadded,
} from '../../../datasets/transforms/normalize.js';
import type { Size } from '../../../datasets/transforms/rect.js';
import { resizeLinearCv } from '../../../datasets/transforms/resize-cv.js';
import { resizeNearestCv } from './resize-nearest-cv.js';

const size = (width: number, height: number): Size => ({ width, height });
const resize = (width: number, height: number): GeometricStep => ({
  kind: 'resize',
  size: size(width, height),
});
const crop = (x: number, y: number, width: number, height: number): GeometricStep => ({
  kind: 'crop',
  window: { x, y, width, height },
});
const flip: GeometricStep = { kind: 'flip' };

function noise(width: number, height: number): RgbImage {
  const random = new Random(width * 100 + height);
  const data = Uint8Array.from({ length: width * height * 3 }, () => random.integer(256));
  return { width, height, data };
}
const labels = (width: number, height: number): LabelMap => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height }, (_, i) => i),
});

/** One step at a time, the obvious way, on anything with `[H, W, C]` bytes. */
function stepByStep<T extends RgbImage | LabelMap>(
  image: T,
  steps: readonly GeometricStep[],
  channels: number,
  resizeTo: (image: T, size: Size) => T,
): T {
  return steps.reduce((current, step) => {
    if (step.kind === 'resize') return resizeTo(current, step.size);
    const window =
      step.kind === 'crop' ? step.window : { x: 0, y: 0, ...size(current.width, current.height) };
    const data = new Uint8Array(window.width * window.height * channels);
    for (let y = 0, o = 0; y < window.height; y++)
      for (let x = 0; x < window.width; x++)
        for (let c = 0; c < channels; c++) {
          const column = window.x + (step.kind === 'flip' ? window.width - 1 - x : x);
          data[o++] = current.data[((window.y + y) * current.width + column) * channels + c];
        }
    return { ...current, width: window.width, height: window.height, data };
  }, image);
}

/** Lists of steps that fit a 13 × 9 image. */
const stepLists = fc
  .array(
    fc.record({
      kind: fc.constantFrom('resize', 'crop', 'flip'),
      a: fc.double({ min: 0, max: 1, noNaN: true }),
      b: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    { maxLength: 5 },
  )
  .map((draws) => {
    let current = size(13, 9);
    return draws.map(({ kind, a, b }): GeometricStep => {
      if (kind === 'flip') return flip;
      if (kind === 'resize') {
        current = size(1 + Math.floor(a * 20), 1 + Math.floor(b * 20));
        return { kind, size: current };
      }
      const width = 1 + Math.floor(a * (current.width - 1));
      const height = 1 + Math.floor(b * (current.height - 1));
      const x = Math.floor(b * (current.width - width));
      const y = Math.floor(a * (current.height - height));
      current = size(width, height);
      return crop(x, y, width, height);
    });
  });

describe('steps in one go', () => {
  test('give the pixels that one step after the other gives', () => {
    fc.assert(
      fc.property(stepLists, (steps) => {
        const image = noise(13, 9);
        const expected = stepByStep(image, steps, 3, (i, to) => resizeLinearCv(i, { size: to }));
        const actual = transformImage(image, steps);
        expect(sizeAfter(image, steps)).toEqual(size(expected.width, expected.height));
        expect([actual.width, actual.height]).toEqual([expected.width, expected.height]);
        expect([...actual.data]).toEqual([...expected.data]);
      }),
    );
  });

  test('give the labels that one step after the other gives', () => {
    fc.assert(
      fc.property(stepLists, (steps) => {
        const map = labels(13, 9);
        const expected = stepByStep(map, steps, 1, (m, to) => resizeNearestCv(m, to));
        const actual = transformLabels(map, gridOf(map, steps));
        expect({ ...actual, data: [...actual.data] }).toEqual({
          ...expected,
          data: [...expected.data],
        });
      }),
    );
  });

  test('without steps nothing changes', () => {
    const image = noise(3, 2);
    expect(transformImage(image, [])).toBe(image);
    expect([...gridOf(image, []).columns]).toEqual([0, 1, 2]);
    expect(sizeAfter(image, [])).toEqual(size(3, 2));
  });

  test('reject crops outside and sizes of zero', () => {
    expect(() => transformImage(noise(4, 4), [crop(1, 0, 4, 4)])).toThrow(/crop inside 4x4/);
    expect(() => gridOf(size(4, 4), [resize(2, 2), crop(0, 0, 3, 1)])).toThrow(/crop inside 2x2/);
    expect(() => sizeAfter(size(4, 4), [resize(0, 3)])).toThrow(/positive size, got 0x3/);
    const grid = gridOf(size(5, 4), []);
    expect(() => transformLabels(labels(4, 5), grid)).toThrow(/labels of 5x4, got 4x5/);
  });
});

describe('transformBoxes', () => {
  const boxes = Float32Array.of(10, 20, 30, 60);

  test('scales, shifts, clips and mirrors', () => {
    const to = (...steps: GeometricStep[]): number[] => [
      ...transformBoxes(boxes, size(100, 80), steps),
    ];
    expect(to(resize(200, 40))).toEqual([20, 10, 60, 30]);
    expect(to(crop(20, 30, 50, 20))).toEqual([0, 0, 10, 20]);
    expect(to(flip)).toEqual([70, 20, 90, 60]);
    expect(to(resize(200, 160), crop(40, 0, 100, 100), flip)).toEqual([80, 40, 100, 100]);
    expect(to(flip, flip)).toEqual([10, 20, 30, 60]);
  });

  test('clips boxes that extend beyond the image and empties those outside a crop', () => {
    const outside = Float32Array.of(-5, -5, 50, 200);
    const clipped = transformBoxes(outside, size(40, 40), [resize(80, 80)]);
    expect([...clipped]).toEqual([0, 0, 80, 80]);
    const [x1, , x2] = transformBoxes(boxes, size(100, 80), [crop(50, 0, 20, 80)]);
    expect(x2 - x1).toBe(0);
    expect(transformBoxes(new Float32Array(0), size(1, 1), [flip])).toHaveLength(0);
  });
});

function objectsOf(masks: readonly Segmentation[], boxes: readonly number[]): Objects {
  return {
    boxes: Float32Array.from(boxes),
    classIndices: Int32Array.from(masks, (_, i) => i + 1),
    segmentations: masks,
    ids: Float64Array.from(masks, (_, i) => i + 100),
  };
}

/** A mask of rectangles `[x1, y1, x2, y2]` in a 13 × 9 image, as runs. */
function rectangles(
  ...rects: readonly (readonly [number, number, number, number])[]
): Segmentation {
  const mask = new Uint8Array(13 * 9);
  for (const [x1, y1, x2, y2] of rects)
    for (let y = y1; y < y2; y++) mask.fill(1, y * 13 + x1, y * 13 + x2);
  return { kind: 'rle', ...encodeRle(mask, 9, 13) };
}

describe('objects', () => {
  const source = size(13, 9);

  test('without an overlap with the crop are left out, with class and id', () => {
    const objects = objectsOf(
      [rectangles([0, 0, 4, 4]), rectangles([8, 2, 12, 8])],
      [0, 0, 4, 4, 8, 2, 12, 8],
    );
    const kept = transformObjects(objects, source, [crop(6, 0, 7, 9)]);
    expect([...kept.boxes]).toEqual([2, 2, 6, 8]);
    expect([...kept.classIndices, ...kept.ids]).toEqual([2, 101]);
    expect(kept.segmentations[0]).toBe(objects.segmentations[1]);
  });

  test('get the boxes of their cropped masks', () => {
    // An L: the crop cuts its foot off, so its box shrinks to the stem.
    const objects = objectsOf([rectangles([2, 1, 4, 8], [2, 6, 10, 8])], [2, 1, 10, 8]);
    const kept = cropObjectsByMask(objects, source, [crop(0, 0, 13, 5)]);
    expect([...(kept?.boxes ?? [])]).toEqual([2, 1, 4, 5]);
    expect([...transformObjects(objects, source, [crop(0, 0, 13, 5)]).boxes]).toEqual([
      2, 1, 10, 5,
    ]);
  });

  test('boxes from masks are those of the transformed bitmap', () => {
    fc.assert(
      fc.property(stepLists, fc.nat(), (drawn, seed) => {
        const steps = drawn.filter(({ kind }) => kind !== 'flip');
        const random = new Random(seed);
        const bits = Uint8Array.from({ length: 117 }, () => (random.chance(0.15) ? 1 : 0));
        const mask = encodeRle(bits, 9, 13);
        const grid = gridOf(source, steps);
        const seen = maskThroughGrid(mask, grid);
        const columns = grid.columns.length;
        const on = [...seen].flatMap((bit, i) =>
          bit ? [[i % columns, Math.floor(i / columns)]] : [],
        );
        const kept = cropObjectsByMask(
          objectsOf([{ kind: 'rle', ...mask }], [0, 0, 13, 9]),
          source,
          steps,
        );
        if (on.length === 0) {
          expect(kept).toBeUndefined();
          return;
        }
        const [xs, ys] = [on.map(([x]) => x), on.map(([, y]) => y)];
        const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
        expect([...(kept?.boxes ?? [])]).toEqual(box);
      }),
    );
  });

  test('a mask through a grid is the bitmap after the steps', () => {
    fc.assert(
      fc.property(stepLists, fc.nat(), (steps, seed) => {
        const random = new Random(seed);
        const fraction = random.uniform() * 0.3;
        const data = Uint8Array.from({ length: 117 }, () => (random.chance(fraction) ? 1 : 0));
        const grid = gridOf(source, steps);
        const seen = maskThroughGrid(encodeRle(data, 9, 13), grid);
        expect([...seen]).toEqual([...transformLabels({ ...source, data }, grid).data]);
        const used = new Uint8Array(seen.length).fill(7);
        expect(maskThroughGrid(encodeRle(data, 9, 13), grid, used)).toEqual(seen);
      }),
    );
  });

  test('polygons become the runs of the COCO API', () => {
    const square: Segmentation = {
      kind: 'polygons',
      polygons: [Float64Array.of(2, 1, 6, 1, 6, 5, 2, 5)],
    };
    const kept = cropObjectsByMask(objectsOf([square], [2, 1, 6, 5]), source, [crop(3, 0, 10, 9)]);
    expect([...(kept?.boxes ?? [])]).toEqual([0, 1, 3, 5]);
    expect(kept?.segmentations[0].kind).toBe('rle');
  });

  test('a crop with boxes but no mask pixel asks for another image; one without boxes does not', () => {
    // The box reaches into the crop, its mask doesn't.
    const objects = objectsOf([rectangles([0, 0, 2, 2])], [0, 0, 13, 9]);
    expect(cropObjectsByMask(objects, source, [crop(6, 4, 5, 5)])).toBeUndefined();
    const far = objectsOf([rectangles([0, 0, 2, 2])], [0, 0, 2, 2]);
    expect(cropObjectsByMask(far, source, [crop(6, 4, 5, 5)])?.ids).toHaveLength(0);
    expect(cropObjectsByMask(objectsOf([], []), source, [])?.ids).toHaveLength(0);
  });

  test('without masks keep their clipped boxes', () => {
    const boxed = objectsOf([{ kind: 'none' }], [4, 4, 12, 8]);
    const kept = cropObjectsByMask(boxed, source, [crop(6, 0, 7, 9)]);
    expect([...(kept?.boxes ?? [])]).toEqual([0, 4, 6, 8]);
  });

  test('runs of another size are rejected', () => {
    const wrong: Segmentation = { kind: 'rle', ...encodeRle([1], 1, 1) };
    expect(() => segmentationRuns(wrong, source)).toThrow(/mask of 13x9, got 1x1/);
  });
});

describe('padding', () => {
  test('goes to the largest sides, rounded up to the divisor and no further', () => {
    expect(paddedSize([size(33, 10), size(5, 64)], 32)).toEqual(size(64, 64));
    expect(paddedSize([size(32, 32)], 32)).toEqual(size(32, 32));
    expect(paddedSize([size(33, 10)], 1)).toEqual(size(33, 10));
    expect(() => paddedSize([], 32)).toThrow(/got 0 and 32/);
    expect(() => paddedSize([size(1, 1)], 0)).toThrow(/got 1 and 0/);
  });

  test('is zero after normalizing, whatever the buffer held', () => {
    const batch = new Float32Array(30).fill(9);
    const white = { width: 2, height: 1, data: new Uint8Array(6).fill(255) };
    const table = normalizationTable(IMAGENET_PIXELS);
    normalizePadded(white, table, batch, { width: 3, height: 2, offset: 6 });
    const written = batch.subarray(6, 24);
    expect([...written.subarray(0, 6)].every((v) => v > 2)).toBe(true);
    expect([...written.subarray(6)]).toEqual(new Array(12).fill(0));
    expect([...batch.subarray(0, 6), ...batch.subarray(24)]).toEqual(new Array(12).fill(9));
    const canvas = { width: 1, height: 2, offset: 0 };
    expect(() => normalizePadded(white, table, batch, canvas)).toThrow(/at most 1x2, got 2x1/);
  });

  test('of labels is 255', () => {
    const batch = new Uint8Array(10).fill(7);
    const map = { width: 2, height: 1, data: Uint8Array.of(1, 2) };
    padLabels(map, batch, { width: 3, height: 2, offset: 2 });
    expect([...batch]).toEqual([7, 7, 1, 2, 255, 255, 255, 255, 7, 7]);
    expect(() => padLabels(map, batch, { width: 3, height: 2, offset: 5 })).toThrow(/at 5 of 10/);
  });
});
