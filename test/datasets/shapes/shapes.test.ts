import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { decodeRle, encodeRle, rleFromCounts } from '../../../core/rle.js';
import { rleFromPolygons } from '../../../core/rle-polygons.js';
import { rleFromString } from '../../../core/rle-string.js';
import {
  exactPolygons,
  sceneAnnotations,
  type ShapeAnnotation,
} from '../../../datasets/shapes/annotations.js';
import { FORMS } from '../../../datasets/shapes/forms.js';
import { renderScene } from '../../../datasets/shapes/render.js';
import { composeScene } from '../../../datasets/shapes/scene.js';
import { shapesAnnotations, shapesScene, SHAPES_DEFAULTS } from '../../../datasets/shapes/write.js';

const SMALL = { ...SHAPES_DEFAULTS, train: 4, val: 2, width: 160, height: 120 };

/** The mask of an annotation, `[height, width]`. */
function maskOf({ segmentation }: ShapeAnnotation, width: number, height: number): Uint8Array {
  if (!('counts' in segmentation)) return decodeRle(rleFromPolygons(segmentation, height, width));
  expect(segmentation.size).toEqual([height, width]);
  const { counts } = segmentation;
  return decodeRle(
    typeof counts === 'string'
      ? rleFromString(counts, height, width)
      : rleFromCounts(counts, height, width),
  );
}

test('the annotations of seed 0 never change', () => {
  const sha256 = (split: 'train' | 'val'): string =>
    createHash('sha256')
      .update(JSON.stringify(shapesAnnotations(SHAPES_DEFAULTS, split)))
      .digest('hex');
  expect({ train: sha256('train'), val: sha256('val') }).toEqual({
    train: '85298c67fecefd4b7fc07fdd897bcd83ae0b21929515766eae55d73b8505e88c',
    val: '4ef5f03a75326eb4fc338b6917677057f405cccd5b04d5835e25ad8560e25eef',
  });
  const pixels = createHash('sha256');
  for (let i = 0; i < 20; i++)
    pixels.update(renderScene(shapesScene(SHAPES_DEFAULTS, 'train', i)).data);
  expect(pixels.digest('hex')).toBe(
    '738072ab1c0a7e97ada3e534cb2fbf45b3bf0cdea760e5a03d5bd4d3fedff7b4',
  );
});

test('the set has the specified mix of objects', () => {
  let [numObjects, numSmall, numCovered, numCrowds, numHoles] = [0, 0, 0, 0, 0];
  const counts = new Map<number, number>();
  const classes = new Array<number>(FORMS.length).fill(0);
  for (let i = 0; i < 300; i++) {
    const scene = shapesScene(SHAPES_DEFAULTS, 'train', i);
    counts.set(scene.objects.length, (counts.get(scene.objects.length) ?? 0) + 1);
    sceneAnnotations(scene, 1, 1).forEach(({ area, iscrowd }, o) => {
      const { fullArea, pieces, classIndex } = scene.objects[o];
      numObjects++;
      classes[classIndex]++;
      if (area < 32 * 32) numSmall++;
      if (area <= 0.8 * fullArea) numCovered++;
      if (iscrowd) numCrowds++;
      if (pieces.some(({ hole }) => hole > 0)) numHoles++;
      expect(area).toBeGreaterThanOrEqual(30);
    });
  }
  expect(Math.min(...counts.keys())).toBe(3);
  expect(Math.max(...counts.keys())).toBe(12);
  expect(numSmall / numObjects).toBeGreaterThan(0.3);
  expect(numCovered / numObjects).toBeGreaterThan(0.3);
  expect(numCrowds / numObjects).toBeGreaterThan(0.03);
  expect(numCrowds / numObjects).toBeLessThan(0.07);
  expect(numHoles / numObjects).toBeGreaterThan(0.2);
  for (const count of classes) expect(count / numObjects).toBeGreaterThan(0.1);
});

test('plain objects are complete, of one color, without holes and crowds', () => {
  let numObjects = 0;
  for (let i = 0; i < 50; i++) {
    const scene = shapesScene({ ...SHAPES_DEFAULTS, plain: true }, 'train', i);
    sceneAnnotations(scene, 1, 1).forEach(({ area, iscrowd }, o) => {
      const { fullArea, pieces, texture } = scene.objects[o];
      numObjects++;
      expect(area).toBe(fullArea);
      expect(iscrowd).toBe(0);
      expect(pieces).toMatchObject([{ hole: 0 }]);
      expect(texture.pattern).toBe('plain');
    });
  }
  expect(numObjects).toBeGreaterThan(50 * 4);
});

test('masks, boxes and areas are exactly the visible pixels', () => {
  let [numPolygons, numRuns] = [0, 0];
  const options = fc.record({
    width: fc.integer({ min: 64, max: 200 }),
    height: fc.integer({ min: 64, max: 150 }),
    minObjects: fc.constant(0),
    maxObjects: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(
    fc.property(fc.nat(), options, (seed, scenery) => {
      const { width, height } = scenery;
      const scene = composeScene(new Random(seed), scenery);
      const owners = new Uint8Array(width * height);
      const annotations = sceneAnnotations(scene, 7, 100);
      expect(annotations).toHaveLength(scene.objects.length);
      annotations.forEach((annotation, o) => {
        expect(annotation).toMatchObject({ id: 100 + o, image_id: 7 });
        expect(annotation.category_id).toBe(1 + scene.objects[o].classIndex);
        const mask = maskOf(annotation, width, height);
        let [x1, y1, x2, y2, area] = [width, height, 0, 0, 0];
        mask.forEach((value, i) => {
          if (value === 0) return;
          const [x, y] = [i % width, Math.floor(i / width)];
          [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x), Math.max(y2, y)];
          area++;
          owners[i] = o + 1;
        });
        expect(annotation.area).toBe(area);
        expect(annotation.bbox).toEqual([x1, y1, x2 - x1 + 1, y2 - y1 + 1]);
        if ('counts' in annotation.segmentation) numRuns++;
        else numPolygons++;
      });
      // No pixel belongs to two objects, and none is left over.
      expect(owners).toEqual(scene.owners);
    }),
    { numRuns: 40, seed: 5 },
  );
  expect(numPolygons).toBeGreaterThan(60);
  expect(numRuns).toBeGreaterThan(15);
});

test('outlines enclose exactly the mask, or there is a hole', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 49 }),
      (width, values) => {
        const height = Math.ceil(values.length / width);
        const mask = new Uint8Array(width * height);
        mask.set(values);
        const outlines = exactPolygons(encodeRle(mask, height, width));
        if (outlines) {
          expect(decodeRle(rleFromPolygons(outlines, height, width))).toEqual(mask);
        } else {
          expect(hasHole(mask, width, height)).toBe(true);
        }
      },
    ),
    { numRuns: 500 },
  );
  expect(exactPolygons(encodeRle([0, 0, 0, 0], 2, 2))).toEqual([]);
  expect(exactPolygons(encodeRle([0, 1, 1, 0], 2, 2))).toEqual([
    [2, 0, 2, 1, 1, 1, 1, 0],
    [1, 1, 1, 2, 0, 2, 0, 1],
  ]);
  expect(exactPolygons(encodeRle([1, 1, 1, 1, 0, 1, 1, 1, 1], 3, 3))).toBeUndefined();
});

/** Whether background cannot reach the border, also through corners. */
function hasHole(mask: Uint8Array, width: number, height: number): boolean {
  const [w, h] = [width + 2, height + 2];
  const reached = new Set([0]);
  for (const cell of reached) {
    const [x, y] = [cell % w, Math.floor(cell / w)];
    for (let ny = Math.max(0, y - 1); ny <= Math.min(h - 1, y + 1); ny++)
      for (let nx = Math.max(0, x - 1); nx <= Math.min(w - 1, x + 1); nx++) {
        const inside = nx > 0 && ny > 0 && nx <= width && ny <= height;
        if (!inside || mask[(ny - 1) * width + nx - 1] === 0) reached.add(ny * w + nx);
      }
  }
  return reached.size < w * h - mask.reduce((sum, value) => sum + value, 0);
}

test('a scene depends on its seed, split and index only', () => {
  const scene = shapesScene(SMALL, 'train', 2);
  expect(shapesScene({ ...SMALL, train: 99 }, 'train', 2)).toEqual(scene);
  expect(shapesScene({ ...SMALL, seed: 1 }, 'train', 2)).not.toEqual(scene);
  expect(shapesScene(SMALL, 'val', 2)).not.toEqual(scene);
  expect(renderScene(shapesScene(SMALL, 'train', 2))).toEqual(renderScene(scene));
});
