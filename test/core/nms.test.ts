import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { iouMatrix } from '../../core/boxes.js';
import { ConfigError, ShapeError } from '../../core/errors.js';
import { groupedNms, type NmsOptions } from '../../core/nms.js';
import { shiftByGroup, splitByGroup } from '../../core/nms-groups.js';
import { Random } from '../../core/random.js';

/** Suppression over all boxes: one group. */
const nms = (boxes: Float32Array, scores: Float32Array, options: NmsOptions): Int32Array =>
  groupedNms(boxes, scores, new Int32Array(scores.length), options);

/** Takes the best, removes what overlaps it more than the threshold, and so on. */
function slowNms(boxes: Float32Array, scores: Float32Array, threshold: number): number[] {
  const iou = iouMatrix(boxes, boxes);
  const M = scores.length;
  let left = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
  const kept: number[] = [];
  while (left.length > 0) {
    const best = left[0];
    kept.push(best);
    left = left.slice(1).filter((i) => !(iou[best * M + i] > Math.fround(threshold)));
  }
  return kept;
}

const row = fc
  .tuple(fc.nat(30), fc.nat(30), fc.nat(20), fc.nat(20), fc.nat(5), fc.nat(2))
  .map(([x, y, w, h, s, group]) => ({ box: [x, y, x + w, y + h], score: s / 5, group }));
const detections = fc.array(row, { maxLength: 60 }).map((rows) => ({
  boxes: Float32Array.from(rows.flatMap(({ box }) => box)),
  scores: Float32Array.from(rows, ({ score }) => score),
  groups: Int32Array.from(rows, ({ group }) => group),
}));

describe('nms', () => {
  const pair = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 5); // IoU exactly one half

  test('only an IoU strictly above the threshold suppresses', () => {
    const scores = Float32Array.of(0.9, 0.8);
    expect([...nms(pair, scores, { iouThreshold: 0.5 })]).toEqual([0, 1]);
    expect([...nms(pair, scores, { iouThreshold: 0.49 })]).toEqual([0]);
  });

  test('a suppressed box suppresses nothing itself', () => {
    const chain = Float32Array.of(0, 0, 10, 1, 4, 0, 14, 1, 8, 0, 18, 1);
    const kept = nms(chain, Float32Array.of(0.9, 0.8, 0.7), { iouThreshold: 0.4 });
    expect([...kept]).toEqual([0, 2]);
  });

  test('ties are ordered by index', () => {
    const same = Float32Array.of(0, 0, 4, 4, 0, 0, 4, 4, 9, 9, 12, 12);
    expect([...nms(same, Float32Array.of(0.5, 0.5, 0.5), { iouThreshold: 0.5 })]).toEqual([0, 2]);
  });

  test('boxes without area neither suppress nor are suppressed', () => {
    const points = Float32Array.of(3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 9, 9);
    const kept = nms(points, Float32Array.of(0.3, 0.2, 0.9), { iouThreshold: 0 });
    expect([...kept]).toEqual([2, 0, 1]);
  });

  test('equals the slow version for any threshold, ties included', () => {
    fc.assert(
      fc.property(
        detections,
        fc.constantFrom(0, 0.1, 0.3, 0.5, 0.7, 1),
        ({ boxes, scores }, iouThreshold) => {
          expect([...nms(boxes, scores, { iouThreshold })]).toEqual(
            slowNms(boxes, scores, iouThreshold),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test('equals the slow version on boxes of very different sizes over a wide image', () => {
    const random = new Random(4);
    for (let trial = 0; trial < 20; trial++) {
      const boxes = new Float32Array(4 * 200);
      for (let i = 0; i < 200; i++) {
        const [w, h] = [0, 0].map(() => Math.exp(random.between(0, 6.5)));
        const [x, y] = [random.between(0, 1333), random.between(0, 800)];
        boxes.set([x, y, x + w, y + h], 4 * i);
        // near copies, so that something is suppressed
        if (i % 2 === 1)
          boxes.set(
            boxes
              .subarray(4 * i - 4, 4 * i)
              .map((v) => v + random.between(0, 0.1 * Math.min(w, h))),
            4 * i,
          );
      }
      const scores = Float32Array.from({ length: 200 }, () => random.uniform());
      for (const iouThreshold of [0.3, 0.5, 0.7, 0.9])
        expect([...nms(boxes, scores, { iouThreshold })]).toEqual(
          slowNms(boxes, scores, iouThreshold),
        );
    }
  });

  test('finds the farthest box that can suppress: one inside the other, with a common edge', () => {
    const inside = Float32Array.of(0, 0, 1000, 10, 290, 0, 1000, 10); // IoU 0.71
    expect([...nms(inside, Float32Array.of(0.9, 0.8), { iouThreshold: 0.7 })]).toEqual([0]);
    expect([...nms(inside, Float32Array.of(0.8, 0.9), { iouThreshold: 0.7 })]).toEqual([1]);
  });

  test('maxKept truncates the list', () => {
    const apart = Float32Array.of(0, 0, 1, 1, 5, 5, 6, 6, 9, 9, 10, 10);
    const options = { iouThreshold: 0.5, maxKept: 2 };
    expect([...nms(apart, Float32Array.of(0.1, 0.3, 0.2), options)]).toEqual([1, 2]);
  });

  test('a single box stays; no boxes give an empty result', () => {
    const options = { iouThreshold: 0.5 };
    expect([...nms(pair.subarray(0, 4), Float32Array.of(0.5), options)]).toEqual([0]);
    expect(nms(new Float32Array(0), new Float32Array(0), options)).toHaveLength(0);
  });

  test('wrong lengths and thresholds are errors', () => {
    expect(() => nms(pair, new Float32Array(3), { iouThreshold: 0.5 })).toThrow(ShapeError);
    expect(() => nms(pair, new Float32Array(2), { iouThreshold: 1.5 })).toThrow(ConfigError);
    expect(() => nms(pair, new Float32Array(2), { iouThreshold: NaN })).toThrow(ConfigError);
  });
});

describe('groupedNms', () => {
  test('groups do not affect each other', () => {
    const same = Float32Array.of(0, 0, 4, 4, 0, 0, 4, 4, 0, 0, 4, 4);
    const kept = groupedNms(same, Float32Array.of(0.1, 0.3, 0.2), Int32Array.of(0, 5, 0), {
      iouThreshold: 0.5,
    });
    expect([...kept]).toEqual([1, 2]);
  });

  test('equals one run over boxes shifted apart', () => {
    fc.assert(
      fc.property(detections, fc.constantFrom(0.3, 0.7), ({ boxes, scores, groups }, t) => {
        const kept = groupedNms(boxes, scores, groups, { iouThreshold: t });
        expect([...kept]).toEqual(slowNms(shiftByGroup(boxes, groups), scores, t));
      }),
      { numRuns: 300 },
    );
  });

  test('the best of all groups are kept', () => {
    const boxes = Float32Array.of(0, 0, 4, 4, 0, 0, 4, 4, 0, 0, 4, 4);
    const options = { iouThreshold: 0.5, maxKept: 2 };
    const kept = groupedNms(boxes, Float32Array.of(0.1, 0.3, 0.2), Int32Array.of(0, 1, 2), options);
    expect([...kept]).toEqual([1, 2]);
  });
});

describe('groups', () => {
  test('the shift is group times the highest coordinate plus one, in float32', () => {
    const shifted = shiftByGroup(
      Float32Array.of(0.1, 0, 1, 99.7, 0.1, 0, 1, 2),
      Int32Array.of(0, 3),
    );
    const shift = Math.fround(3 * Math.fround(Math.fround(99.7) + 1));
    expect([...shifted.subarray(0, 4)]).toEqual([0.1, 0, 1, 99.7].map(Math.fround));
    expect([...shifted.subarray(4)]).toEqual(
      [0.1, 0, 1, 2].map((v) => Math.fround(Math.fround(v) + shift)),
    );
  });

  test('splitting keeps the order within a group and skips empty groups', () => {
    const lists = splitByGroup(Int32Array.of(4, 2, 0, 3), Int32Array.of(7, 9, 1, 7, 1));
    expect(lists.map((list) => [...list])).toEqual([
      [4, 2],
      [0, 3],
    ]);
    expect(splitByGroup(new Int32Array(0), new Int32Array(0))).toEqual([]);
  });

  test('a group is needed for every box', () => {
    expect(() => shiftByGroup(new Float32Array(8), new Int32Array(1))).toThrow(ShapeError);
  });
});
