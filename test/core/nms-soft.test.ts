import { expect, test } from 'vitest';
import { iouMatrix } from '../../core/boxes.js';
import { ConfigError, ShapeError } from '../../core/errors.js';
import { groupedSoftNms, type SoftNmsDecay } from '../../core/nms-soft.js';
import { shiftByGroup } from '../../core/nms-groups.js';
import { Random } from '../../core/random.js';

const f32 = Math.fround;
const LINEAR = { kind: 'linear', iouThreshold: 0.5 } as const;

/**
 * The rule as written: repeatedly take the highest remaining score; for every remaining box with IoU o to it lower its score;
 * drop boxes whose score is below the minimum. Boxes of other classes are far away, so one list serves all.
 */
function slowSoftNms(
  boxes: Float32Array,
  scores: Float32Array,
  groups: Int32Array,
  decay: SoftNmsDecay,
  minScore: number,
): { readonly index: number; readonly score: number }[] {
  const M = scores.length;
  const iou = iouMatrix(shiftByGroup(boxes, groups), shiftByGroup(boxes, groups));
  let left = Array.from(scores, (score, index) => ({ index, score }));
  const taken: { readonly index: number; readonly score: number }[] = [];
  const drop = (): void => {
    left = left.filter(({ score }) => score >= f32(minScore));
  };
  drop();
  while (left.length > 0) {
    const best = left.reduce((a, b) => (b.score > a.score ? b : a));
    taken.push(best);
    left = left
      .filter((one) => one !== best)
      .map(({ index, score }) => {
        const o = iou[best.index * M + index];
        if (decay.kind === 'gaussian')
          return { index, score: f32(score * f32(Math.exp(f32(-f32(o * o) / f32(decay.sigma))))) };
        return { index, score: o >= f32(decay.iouThreshold) ? f32(score * f32(1 - o)) : score };
      });
    drop();
  }
  return taken;
}

test('by hand: an IoU of exactly the threshold decays, below it nothing changes', () => {
  const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 5, 0, 0, 10, 4);
  const scores = Float32Array.of(0.8, 0.6, 0.4);
  const result = groupedSoftNms(boxes, scores, new Int32Array(3), {
    decay: LINEAR,
    minScore: 0.01,
  });
  // box 1 overlaps box 0 by 1/2; box 2 by 0.4 with box 0 and 0.8 with box 1
  expect([...result.indices]).toEqual([0, 2, 1]);
  expect(result.scores[1]).toBe(f32(0.4));
  expect(result.scores[2]).toBeCloseTo(0.6 * 0.5 * 0.2, 6);
});

test('scores below the minimum are dropped, initially and after decay', () => {
  const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 9, 50, 50, 60, 60);
  const scores = Float32Array.of(0.9, 0.5, 0.05);
  const result = groupedSoftNms(boxes, scores, new Int32Array(3), { decay: LINEAR, minScore: 0.1 });
  expect([...result.indices]).toEqual([0]);
});

test('classes do not affect each other', () => {
  const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 10);
  const scores = Float32Array.of(0.5, 0.9);
  const result = groupedSoftNms(boxes, scores, Int32Array.of(1, 0), {
    decay: { kind: 'gaussian', sigma: 0.5 },
    minScore: 0.001,
  });
  expect([...result.indices]).toEqual([1, 0]);
  expect([...result.scores]).toEqual([0.9, 0.5].map(f32));
});

test.each<[string, SoftNmsDecay]>([
  ['linear', LINEAR],
  ['gaussian', { kind: 'gaussian', sigma: 0.5 }],
])('%s: equals a literal implementation of the rule in 1000 random cases', (_, decay) => {
  const random = new Random(29);
  for (let trial = 0; trial < 1000; trial++) {
    const M = random.integer(24);
    const boxes = new Float32Array(4 * M);
    for (let i = 0; i < M; i++) {
      const [x, y] = [random.integer(20), random.integer(20)];
      boxes.set([x, y, x + 1 + random.integer(15), y + 1 + random.integer(15)], 4 * i);
    }
    // few distinct scores, so that ties occur
    const scores = Float32Array.from({ length: M }, () => random.integer(12) / 12);
    const groups = Int32Array.from({ length: M }, () => random.integer(3));
    const minScore = 0.05;
    const expected = slowSoftNms(boxes, scores, groups, decay, minScore);
    const maxKept = random.chance(0.5) ? 5 : Infinity;
    const actual = groupedSoftNms(boxes, scores, groups, { decay, minScore, maxKept });
    const best = expected.slice(0, maxKept);
    expect([...actual.indices]).toEqual(best.map(({ index }) => index));
    expect([...actual.scores]).toEqual(best.map(({ score }) => score));
  }
});

test('no boxes give an empty result; wrong lengths and options are errors', () => {
  const none = new Float32Array(0);
  const options = { decay: LINEAR, minScore: 0.01 };
  expect(groupedSoftNms(none, none, new Int32Array(0), options).indices).toHaveLength(0);
  expect(() => groupedSoftNms(new Float32Array(4), none, new Int32Array(1), options)).toThrow(
    ShapeError,
  );
  expect(() =>
    groupedSoftNms(none, none, new Int32Array(0), {
      decay: { kind: 'gaussian', sigma: 0 },
      minScore: 0,
    }),
  ).toThrow(ConfigError);
});
