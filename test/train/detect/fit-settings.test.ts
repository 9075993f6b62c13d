import { describe, expect, test } from 'vitest';
import type { CocoSet } from '../../../datasets/coco/set.js';
import { detectionSet } from '../../../datasets/in-memory.js';
import { SCHEMAS } from '../../../train/config/schemas.js';
import { mergeSettings, type Settings } from '../../../train/config/layers.js';
import { compileSchema } from '../../../io/schema.js';
import {
  OBJECT_PRETRAINING,
  SMALL_OBJECT_PRETRAINING,
} from '../../../train/config/object-pretraining.js';
import type { DetectionConfig } from '../../../train/config/detect.js';
import { fitDetector } from '../../../train/detect/fit-settings.js';
import { DETECT } from '../../../train/recipes/detect.js';

/** Set of images of one size with squares of these sides in pixels, one per image. */
function squares(width: number, height: number, sides: readonly number[]): CocoSet {
  const pixels = { width, height, data: new Uint8Array(width * height * 3) };
  const examples = sides.map((side, i) => ({
    image: pixels,
    objects: [{ box: [(7 * i) % (width - side + 1), 5, side, side] as const, label: 'cat' }],
  }));
  return detectionSet(examples, ['cat']);
}
const chosen = (set: CocoSet, isSet: (path: string) => boolean = () => false): Settings =>
  fitDetector(set, DETECT, (path) => path === 'objectPretraining' || isSet(path));
const shortOf = (settings: Settings): number | undefined =>
  (settings['evaluation'] as { limits: { short: number } } | undefined)?.limits.short;
const scaleOf = (settings: Settings): number | undefined =>
  (settings['detector'] as { rpn: { anchors: { scale: number } } } | undefined)?.rpn.anchors.scale;
/** Sides in geometric steps. */
const between = (least: number, most: number, count = 40): number[] =>
  Array.from({ length: count }, (_, i) => Math.round(least * (most / least) ** (i / (count - 1))));

/** Ten images with so many objects of all sizes each, and some without. */
function crowd(numObjects: number, numEmpty = 0): CocoSet {
  const image = { width: 320, height: 240, data: new Uint8Array(320 * 240 * 3) };
  const objects = between(12, 120, numObjects).map((side, i) => ({
    box: [20 * i, 5 * i, side, side] as const,
    label: 'cat',
  }));
  const full = Array.from({ length: 10 }, () => ({ image, objects }));
  const empty = Array.from({ length: numEmpty }, () => ({ image, objects: [] }));
  return detectionSet([...full, ...empty], ['cat']);
}

describe('settings by the objects', () => {
  test('objects that fill their pictures take a smaller input, and the anchors of the finer levels', () => {
    const settings = chosen(squares(640, 480, between(290, 470)));
    expect(shortOf(settings)).toBe(128);
    expect(scaleOf(settings)).toBe(6);
    expect(scaleOf(chosen(squares(640, 480, between(440, 470))))).toBe(8);
    expect(settings['training']).toEqual({
      scales: {
        shortSides: [102, 115, 128, 141, 154],
        longSide: 256,
        crop: { shortSides: [141], sides: [115, 213] },
      },
    });
    const { config } = mergeSettings({ config: { ...DETECT }, sources: {} }, settings, 'data');
    expect(compileSchema(SCHEMAS.detect)(config)).toEqual([]);
  });

  test('three quarters of the objects keep 80 px', () => {
    // 100 px of 480: 50 at 240; 200 of 480: 100 at 240, 80 at 192.
    expect(shortOf(chosen(squares(640, 480, between(100, 120))))).toBeUndefined();
    expect(shortOf(chosen(squares(640, 480, between(200, 220))))).toBe(192);
  });

  test('objects of all sizes change nothing', () => {
    expect(chosen(squares(320, 240, between(12, 120)))).toEqual({});
  });

  test('small objects take a larger input, but not more pixels than the files have', () => {
    const sides = between(16, 28);
    expect(shortOf(chosen(squares(1280, 960, sides)))).toBe(400);
    expect(shortOf(chosen(squares(480, 360, sides)))).toBe(336);
    expect(shortOf(chosen(squares(400, 300, between(14, 18))))).toBe(288);
    expect(shortOf(chosen(squares(320, 240, sides)))).toBeUndefined();
  });

  test('tiny objects take smaller anchors', () => {
    expect(scaleOf(chosen(squares(320, 240, between(6, 10))))).toBe(2);
  });

  test('an image with many objects is a step of its own, with RoIs for them', () => {
    const settings = chosen(crowd(8));
    const { config } = mergeSettings({ config: { ...DETECT }, sources: {} }, settings, 'data');
    expect(compileSchema(SCHEMAS.detect)(config)).toEqual([]);
    const { batchSize, lr, detector } = config as unknown as DetectionConfig;
    expect([batchSize, lr, detector.stages[0].sampler.numSamples]).toEqual([1, 1.5e-3, 128]);
    expect({ ...detector, stages: [] }).toEqual({ ...DETECT.detector, stages: [] });
    expect(chosen(crowd(7))).toEqual({});
    // Images without objects, of which a set may have any number, do not count.
    expect(chosen(crowd(8, 30))).toEqual(settings);
    for (const path of ['batchSize', 'accumulation', 'lr'])
      expect(Object.keys(chosen(crowd(8), (asked) => asked === path))).toEqual(['detector']);
    expect(chosen(crowd(8), (asked) => asked === 'detector.stages')).toEqual({
      batchSize: 1,
      lr: 1.5e-3,
    });
  });

  test('values of the user are kept', () => {
    const set = squares(640, 480, between(290, 470));
    for (const path of ['training.scales', 'evaluation.limits'])
      expect(shortOf(chosen(set, (asked) => asked === path))).toBeUndefined();
    expect(scaleOf(chosen(set, (asked) => asked === 'detector.rpn.anchors'))).toBeUndefined();
    expect(shortOf(chosen(set, (asked) => asked === 'detector.rpn.anchors'))).toBe(128);
  });

  test('the backbone learns the objects first, unless the user decides otherwise', () => {
    const set = squares(320, 240, between(12, 120));
    expect(fitDetector(set, DETECT, () => false)).toEqual({
      objectPretraining: OBJECT_PRETRAINING,
    });
    expect(fitDetector(set, DETECT, (path) => path === 'objectPretraining')).toEqual({});
    const small = squares(320, 240, between(16, 60));
    const settings = fitDetector(small, DETECT, () => false);
    expect(settings).toEqual({ objectPretraining: SMALL_OBJECT_PRETRAINING });
    const { config } = mergeSettings({ config: { ...DETECT }, sources: {} }, settings, 'data');
    expect(compileSchema(SCHEMAS.detect)(config)).toEqual([]);
  });

  test('a set without objects changes nothing', () => {
    expect(chosen(squares(320, 240, []))).toEqual({});
    const empty = {
      image: { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3) },
      objects: [],
    };
    expect(chosen(detectionSet([empty], ['cat']))).toEqual({});
  });
});
