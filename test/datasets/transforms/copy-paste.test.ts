import { describe, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { decodeRle, encodeRle } from '../../../core/rle.js';
import type { Segmentation } from '../../../core/coco.js';
import type { Objects } from '../../../datasets/sample.js';
import { copyPaste, type AnnotatedImage } from '../../../datasets/transforms/copy-paste.js';
import { segmentationRuns } from '../../../datasets/transforms/mask-grid.js';

const [W, H] = [40, 30];
const GROUND = 7;

interface Drawn {
  readonly box: readonly [x1: number, y1: number, x2: number, y2: number];
  /** Also its class, its id and the color of its pixels. */
  readonly id: number;
  readonly kind: Segmentation['kind'];
  /** Leaves the middle of the box out. */
  readonly isRing?: boolean;
}

/** An image on which every object has a color of its own. */
function drawnImage(drawn: readonly Drawn[], [width, height] = [W, H]): AnnotatedImage {
  const data = new Uint8Array(width * height * 3).fill(GROUND);
  const segmentations = drawn.map(({ box: [x1, y1, x2, y2], id, kind, isRing }): Segmentation => {
    const mask = new Uint8Array(width * height);
    for (let y = y1; y < y2; y++)
      for (let x = x1; x < x2; x++) {
        const isHole = isRing && x > x1 + 1 && x < x2 - 2 && y > y1 + 1 && y < y2 - 2;
        if (isHole) continue;
        mask[y * width + x] = 1;
        data.fill(id, (y * width + x) * 3, (y * width + x) * 3 + 3);
      }
    if (kind === 'none') return { kind };
    if (kind === 'rle') return { kind, ...encodeRle(mask, height, width) };
    return { kind, polygons: [Float64Array.of(x1, y1, x2, y1, x2, y2, x1, y2)] };
  });
  const objects: Objects = {
    boxes: Float32Array.from(drawn.flatMap(({ box }) => box)),
    classIndices: Int32Array.from(drawn, ({ id }) => id),
    segmentations,
    ids: Float64Array.from(drawn, ({ id }) => id),
  };
  return { image: { width, height, data }, objects };
}

const target = (): AnnotatedImage =>
  drawnImage([
    { box: [2, 3, 12, 13], id: 20, kind: 'polygons' },
    { box: [20, 8, 36, 26], id: 21, kind: 'rle', isRing: true },
  ]);
const donors = (): AnnotatedImage[] => [
  drawnImage([
    { box: [0, 0, 9, 7], id: 30, kind: 'rle' },
    { box: [25, 20, 40, 30], id: 31, kind: 'rle', isRing: true },
  ]),
  drawnImage([{ box: [5, 5, 10, 20], id: 40, kind: 'polygons' }], [64, 48]),
];

/** The objects' masks, `[H, W]` each. */
const masksOf = ({ image, objects }: AnnotatedImage): Uint8Array[] =>
  objects.segmentations.map((segmentation) => {
    const runs = segmentationRuns(segmentation, image);
    if (!runs) throw new Error('expected a mask');
    return decodeRle(runs);
  });

describe('copyPaste', () => {
  test('every mask is exactly the visible part of its object, and boxes are computed from it', () => {
    let numCovered = 0;
    for (let seed = 0; seed < 200; seed++) {
      const result = copyPaste(target(), donors(), new Random(seed));
      const { objects, image } = result;
      const masks = masksOf(result);
      const wrong = Array.from({ length: W * H }, (_, p) => p).filter((p) => {
        const owners = masks.flatMap((mask, i) => (mask[p] === 1 ? [objects.ids[i]] : []));
        const colors = [...image.data.subarray(3 * p, 3 * p + 3)];
        const expected = owners.length === 0 ? GROUND : owners[0];
        return owners.length > 1 || colors.some((color) => color !== expected);
      });
      expect(wrong).toEqual([]);
      masks.forEach((mask, i) => {
        const at = [...mask].flatMap((bit, p) => (bit === 1 ? [p] : []));
        const xs = at.map((p) => p % W);
        const ys = at.map((p) => Math.floor(p / W));
        const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
        expect([...objects.boxes.subarray(4 * i, 4 * i + 4)]).toEqual(box);
        expect(objects.classIndices[i]).toBe(objects.ids[i]);
      });
      const full = masksOf(target()).map((mask) => mask.reduce((sum, bit) => sum + bit, 0));
      full.forEach((px, i) => {
        const left = masks[i].reduce((sum, bit) => sum + bit, 0);
        expect(left).toBeGreaterThanOrEqual(px / 2);
        if (left < px) numCovered++;
      });
    }
    expect(numCovered).toBeGreaterThan(50);
  });

  test('its own objects come first and are the same where nothing was pasted on them', () => {
    const before = target();
    const { objects } = copyPaste(before, [], new Random(0));
    expect(objects).toEqual(before.objects);
    const small = [drawnImage([{ box: [0, 0, 2, 2], id: 50, kind: 'rle' }])];
    const own = copyPaste(target(), small, new Random(1)).objects;
    expect([...own.ids]).toEqual([20, 21, 50]);
    expect(own.segmentations[0].kind).toBe('polygons');
  });

  test('objects without a mask stay as they are, and those larger than the image are not pasted', () => {
    const boxed = drawnImage([{ box: [2, 2, 10, 10], id: 60, kind: 'none' }]);
    const others = [
      drawnImage([{ box: [0, 0, 41, 5], id: 62, kind: 'rle' }], [64, 48]),
      drawnImage([{ box: [0, 0, 38, 29], id: 63, kind: 'rle' }]),
    ];
    const { objects } = copyPaste(boxed, others, new Random(3));
    expect(objects.segmentations[0]).toEqual({ kind: 'none' });
    expect([...objects.boxes.subarray(0, 4)]).toEqual([2, 2, 10, 10]);
    // The large one would hide the box wherever it lies.
    expect([...objects.ids]).toEqual([60]);
  });

  test('an object without a mask is pasted with all that is in its box, which moves with it', () => {
    const other = (): AnnotatedImage =>
      drawnImage([{ box: [1, 2, 9, 12], id: 61, kind: 'none', isRing: true }], [64, 48]);
    const places = Array.from({ length: 20 }, (_, seed) => {
      const empty = drawnImage([]);
      const { image, objects } = copyPaste(empty, [other()], new Random(seed));
      expect([...objects.ids]).toEqual([61]);
      expect(objects.segmentations).toEqual([{ kind: 'none' }]);
      const [x1, y1, x2, y2] = objects.boxes;
      expect([x2 - x1, y2 - y1]).toEqual([8, 10]);
      for (let y = 0; y < H; y++)
        for (let x = 0; x < W; x++) {
          const isRing =
            x >= x1 &&
            x < x2 &&
            y >= y1 &&
            y < y2 &&
            !(x > x1 + 1 && x < x2 - 2 && y > y1 + 1 && y < y2 - 2);
          expect(image.data[3 * (y * W + x)]).toBe(isRing ? 61 : GROUND);
        }
      return `${x1} ${y1}`;
    });
    expect(new Set(places).size).toBeGreaterThan(10);
  });

  test('boxes beyond the image of an object end there, also where fractions of pixels are outside', () => {
    const wide = drawnImage([], [20, 12]);
    const objects: Objects = {
      boxes: Float32Array.of(-5, 2.25, 25, 9.5),
      classIndices: Int32Array.of(1),
      segmentations: [{ kind: 'none' }],
      ids: Float64Array.of(64),
    };
    const { objects: pasted } = copyPaste(drawnImage([]), [{ ...wide, objects }], new Random(1));
    const [x1, y1, x2, y2] = pasted.boxes;
    expect([x2 - x1, y2 - y1]).toEqual([20, 7.25]);
    expect(x1).toBeGreaterThanOrEqual(0);
    expect(x2).toBeLessThanOrEqual(W);
    expect(y1 % 1).toBe(0.25);
  });

  test('boxes with much of another object, or of a crowd, are not pasted', () => {
    const inside = drawnImage([
      { box: [1, 1, 17, 17], id: 65, kind: 'none' },
      { box: [4, 4, 10, 10], id: 66, kind: 'none' },
      { box: [16, 16, 24, 24], id: 67, kind: 'none' },
    ]);
    const ids = (others: AnnotatedImage[], seed: number): number[] => [
      ...copyPaste(drawnImage([]), others, new Random(seed)).objects.ids,
    ];
    for (let seed = 0; seed < 10; seed++) expect(ids([inside], seed)).toEqual([67]);
    const { objects: ignored } = drawnImage([{ box: [14, 14, 30, 30], id: 68, kind: 'none' }]);
    expect(ids([{ ...inside, ignored }], 1)).toEqual([]);
  });

  test('depends only on the random stream', () => {
    const result = (seed: number): AnnotatedImage =>
      copyPaste(target(), donors(), new Random(seed));
    expect(result(5)).toEqual(result(5));
    expect(result(6).objects.boxes).not.toEqual(result(5).objects.boxes);
  });
});
