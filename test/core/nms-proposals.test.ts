import { describe, expect, test } from 'vitest';
import { decodeBoxes, RPN_CODER } from '../../core/box-coder.js';
import { iouMatrix } from '../../core/boxes.js';
import { ConfigError, ShapeError, WorkError } from '../../core/errors.js';
import {
  selectProposals,
  TRAIN_PROPOSALS,
  type LevelPredictions,
  type ProposalConfig,
} from '../../core/nms-proposals.js';
import { levelSizes, PYRAMID_ANCHORS, pyramidAnchors } from '../../core/anchors.js';
import { Random } from '../../core/random.js';
import { VARIANT_NAMES } from '../../backbone/variants.js';
import { DETECTION_RECIPES } from '../../train/recipes/index.js';

const image = { width: 100, height: 80 };

/** Scores are a few steps only, so that ties are common. */
function randomLevels(random: Random, counts: readonly number[]): LevelPredictions[] {
  return counts.map((n) => ({
    scores: Float32Array.from({ length: n }, () => random.integer(20) / 20),
    deltas: Float32Array.from({ length: 4 * n }, () => 0.2 * random.normal()),
  }));
}

function randomAnchors(random: Random, n: number): Float32Array {
  return Float32Array.from({ length: n }, () => 0).reduce(
    (out, _, i) => {
      const [x, y, s] = [random.between(0, 90), random.between(0, 70), random.between(5, 40)];
      out.set([x, y, x + s, y + s * random.between(0.5, 2)], 4 * i);
      return out;
    },
    new Float32Array(4 * n),
  );
}

describe('selectProposals', () => {
  test('equals a literal implementation of the rule', () => {
    const random = new Random(8);
    for (let trial = 0; trial < 50; trial++) {
      const counts = [40, 20, 5];
      const levels = randomLevels(random, counts);
      const anchors = randomAnchors(random, 65);
      const maxPerImage = trial % 2 === 0 ? 20 : 60;
      const config = { ...TRAIN_PROPOSALS, numBeforeNms: 25, maxPerImage };
      const kept: { box: number[]; score: number; level: number; at: number }[] = [];
      let first = 0;
      levels.forEach(({ scores, deltas }, level) => {
        const own = anchors.subarray(4 * first, 4 * (first + scores.length));
        const decoded = decodeBoxes(own, deltas, { ...RPN_CODER, clip: image });
        const iou = iouMatrix(decoded, decoded);
        let left = Array.from(scores.keys())
          .sort((a, b) => scores[b] - scores[a] || a - b)
          .slice(0, 25);
        while (left.length > 0) {
          const [best] = left;
          const box = [...decoded.subarray(4 * best, 4 * best + 4)];
          kept.push({ box, score: scores[best], level, at: first + best });
          left = left.slice(1).filter((i) => iou[best * scores.length + i] <= Math.fround(0.7));
        }
        first += scores.length;
      });
      kept.sort((a, b) => b.score - a.score || a.at - b.at);
      const best = kept.slice(0, maxPerImage);
      const actual = selectProposals(levels, anchors, image, config);
      expect([...actual.boxes]).toEqual(best.flatMap(({ box }) => box));
      expect([...actual.scores]).toEqual(best.map(({ score }) => score));
      expect([...actual.levels]).toEqual(best.map(({ level }) => level));
    }
  });

  const anchors = Float32Array.of(0, 0, 10, 10, -20, 0, -10, 10);
  const level = { scores: Float32Array.of(0.5, 0.9), deltas: new Float32Array(8) };

  test('boxes without area after clipping stay unless a minimal size is set', () => {
    const all = selectProposals([level], anchors, image, TRAIN_PROPOSALS);
    expect([...all.boxes]).toEqual([0, 0, 0, 10, 0, 0, 10, 10]);
    const solid = selectProposals([level], anchors, image, { ...TRAIN_PROPOSALS, minSizePx: 0 });
    expect([...solid.boxes]).toEqual([0, 0, 10, 10]);
  });

  test('levels without anchors are fine', () => {
    const empty = { scores: new Float32Array(0), deltas: new Float32Array(0) };
    const found = selectProposals([empty, level], anchors, image, TRAIN_PROPOSALS);
    expect([...found.levels]).toEqual([1, 1]);
    expect(
      selectProposals([empty], new Float32Array(0), image, TRAIN_PROPOSALS).scores,
    ).toHaveLength(0);
  });

  test('a diverged network is reported with level and anchor', () => {
    const broken = { scores: Float32Array.of(0.5, NaN), deltas: new Float32Array(8) };
    expect(() => selectProposals([broken], anchors, image, TRAIN_PROPOSALS)).toThrow(WorkError);
    expect(() => selectProposals([broken], anchors, image, TRAIN_PROPOSALS)).toThrow(
      'of anchor 1 on level 0',
    );
  });

  test('lengths and limits are checked', () => {
    expect(() => selectProposals([level], new Float32Array(4), image, TRAIN_PROPOSALS)).toThrow(
      ShapeError,
    );
    expect(() =>
      selectProposals([{ ...level, deltas: new Float32Array(4) }], anchors, image, TRAIN_PROPOSALS),
    ).toThrow('expected deltas [2, 4] on level 0');
    expect(() =>
      selectProposals([level], anchors, image, { ...TRAIN_PROPOSALS, maxPerImage: 0 }),
    ).toThrow(ConfigError);
  });
});

describe('an image of 102 × 77 pixels in a canvas of 1024 × 1024', () => {
  const size = { width: 102, height: 77 };
  const sizes = levelSizes({ width: 1024, height: 1024 }, PYRAMID_ANCHORS.strides);
  const anchors = pyramidAnchors(sizes, PYRAMID_ANCHORS);
  const random = new Random(21);
  /** An RPN that knows nothing: scores by chance, no shifts. */
  const levels = sizes.map(({ width, height }) => {
    const count = 3 * width * height;
    const scores = Float32Array.from({ length: count }, () => 0.5 + 1e-3 * random.normal());
    return { scores, deltas: new Float32Array(4 * count) };
  });
  const hasArea = ([x1, y1, x2, y2]: readonly number[]): boolean => x2 > x1 && y2 > y1;
  const rows = ({ boxes }: { readonly boxes: Float32Array }): number[][] =>
    Array.from({ length: boxes.length / 4 }, (_, i) => [...boxes.subarray(4 * i, 4 * i + 4)]);

  /** The rule of mmdetection 3.x: best of each level, clip, min_bbox_size = 0, NMS by level, best of all. */
  function literal({ numBeforeNms, iouThreshold, maxPerImage }: ProposalConfig): number[][] {
    const kept: { readonly box: number[]; readonly score: number }[] = [];
    let first = 0;
    for (const { scores } of levels) {
      const own: typeof kept = [];
      const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
      for (const i of order.slice(0, numBeforeNms)) {
        const [x1, y1, x2, y2] = anchors.subarray(4 * (first + i), 4 * (first + i) + 4);
        const clip = (value: number, to: number): number => Math.min(Math.max(value, 0), to);
        const box = [clip(x1, 102), clip(y1, 77), clip(x2, 102), clip(y2, 77)];
        const rival = Float32Array.from(own.flatMap((other) => other.box));
        const ious = own.length === 0 ? [] : [...iouMatrix(Float32Array.from(box), rival)];
        if (hasArea(box) && ious.every((iou) => iou <= Math.fround(iouThreshold)))
          own.push({ box, score: scores[i] });
      }
      kept.push(...own);
      first += scores.length;
    }
    return kept
      .sort((a, b) => b.score - a.score)
      .slice(0, maxPerImage)
      .map(({ box }) => box);
  }

  test.each(VARIANT_NAMES)(
    'coco-mask-rcnn-%s proposes none without area, as mmdetection 3.x',
    (name) => {
      const { trainProposals, testProposals } =
        DETECTION_RECIPES[`coco-mask-rcnn-${name}`].detector.rpn;
      const found = rows(selectProposals(levels, anchors, size, trainProposals));
      expect(found).toHaveLength(104);
      expect(found.every(hasArea)).toBe(true);
      expect(testProposals.minSizePx).toBe(0);
    },
  );

  test('and has those of a literal implementation of the rule', () => {
    const { trainProposals, testProposals } = DETECTION_RECIPES['coco-mask-rcnn-tiny'].detector.rpn;
    for (const config of [trainProposals, testProposals])
      expect(rows(selectProposals(levels, anchors, size, config))).toEqual(literal(config));
  });

  test.each(['coco-mask-rcnn-tiny-ms', 'coco-cascade-tiny', 'coco-cascade-huge'])(
    '%s keeps them, as mmdetection 2.x',
    (name) => {
      const { trainProposals, testProposals } = DETECTION_RECIPES[name].detector.rpn;
      const config = { ...trainProposals, maxPerImage: 1000 };
      const found = rows(selectProposals(levels, anchors, size, config));
      expect([found.length, found.filter(hasArea).length]).toEqual([1000, 12]);
      expect(testProposals.minSizePx).toBe(-1);
    },
  );
});
