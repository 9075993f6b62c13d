import { describe, expect, test } from 'vitest';
import { detectionSet } from '../../../datasets/in-memory.js';
import type { DetectionConfig } from '../../../train/config/detect.js';
import { detectionFacts } from '../../../train/detect/data-facts.js';
import { DETECT } from '../../../train/recipes/detect.js';

type Box = readonly [number, number, number, number];
const pixels = { width: 400, height: 240, data: new Uint8Array(400 * 240 * 3) };

/** Facts of images of 400 x 240 pixels, which is the size of the input, with boxes x1, y1, x2, y2. */
const factsOf = (images: readonly (readonly Box[])[], config: DetectionConfig = DETECT) =>
  detectionFacts(
    detectionSet(
      images.map((boxes) => ({
        image: pixels,
        objects: boxes.map(([x, y, right, bottom]) => ({
          box: [x, y, right - x, bottom - y] as const,
          label: 'cat',
        })),
      })),
      ['cat', 'dog'],
    ),
    config,
  );

describe('facts of a detection set', () => {
  test('count images and objects, and the fraction that an anchor overlaps by half or more', () => {
    const { counts, fit, concerns } = factsOf([
      [
        [100, 100, 164, 164], // the anchor of 64 px, whose nearest cell is 4 px away
        [0, 0, 400, 20], // 20:1
      ],
      [[10, 10, 26, 26]],
    ]);
    expect(counts).toBe('2 images, 3 objects of 2 classes');
    expect(fit).toBe('anchors fit 67 % of the objects');
    expect(concerns).toEqual([]);
  });

  test('an anchor whose shape fits but whose cells are too far away does not count', () => {
    const anchors = {
      ...DETECT.detector.rpn.anchors,
      scale: 0.5,
      strides: [32, 64, 128, 256, 512],
    };
    const rpn = { ...DETECT.detector.rpn, anchors };
    const config = { ...DETECT, detector: { ...DETECT.detector, rpn } };
    // 16 px, as the anchors of the first level: on a cell's center, and between the cells.
    expect(factsOf([[[88, 88, 104, 104]]], config).fit).toBe('anchors fit 100 % of the objects');
    expect(factsOf([[[72, 72, 88, 88]]], config).fit).toBe('anchors fit 0 % of the objects');
  });

  test('objects of 6 px', () => {
    const { concerns } = factsOf([[[10, 10, 16, 16]], [[50, 50, 56, 56]]]);
    expect(concerns[0]).toMatch(/^objects of 6 px \(median\) at this input size/);
    expect(concerns[1]).toMatch(/^nothing matches: anchors fit only 0 % of the objects/);
  });

  test('boxes that reach out of the picture are labels that are shifted', () => {
    const { concerns } = factsOf([[[350, 100, 450, 200]], [[380, 50, 480, 150]], [[0, 0, 60, 60]]]);
    expect(concerns[0]).toMatch(/^2 boxes reach out of the picture: labels that are shifted/);
  });

  test('no objects', () => {
    const { counts, fit, concerns } = factsOf([[], []]);
    expect(counts).toBe('2 images, 0 objects of 2 classes');
    expect(fit).toBeUndefined();
    expect(concerns[0]).toBe('no object is left to be learned');
  });

  test('hardly any image with objects', () => {
    const empty = Array.from({ length: 19 }, () => []);
    expect(factsOf([...empty, [[0, 0, 60, 60]]]).concerns).toEqual([
      '19 images have no object: --set keepEmpty=false',
    ]);
  });
});
