import { describe, expect, test } from 'vitest';
import { levelSizes, PYRAMID_ANCHORS, pyramidAnchors, usableAnchors } from '../../core/anchors.js';
import { boxLevels } from '../../core/boxes-levels.js';
import { roiTargets } from '../../core/matcher-roi.js';
import { rpnTargets } from '../../core/matcher-rpn.js';
import { matchBoxes, type MatcherConfig } from '../../core/matcher.js';
import { discoverFixtures, maxError } from '../helpers/fixtures.js';
import { statedTolerance } from './stated-tolerance.js';
import { ROI_TARGETS, RPN_TARGETS } from '../core/target-configs.js';

interface MatcherJson {
  readonly pos: number;
  readonly neg: number;
  readonly min_pos: number;
  readonly match_low_quality: boolean;
}

interface AssignJson {
  readonly config: {
    readonly image: readonly [number, number];
    readonly rpn: MatcherJson;
    readonly rcnn_lowq: MatcherJson;
    readonly rcnn_cascade06: MatcherJson;
    readonly num_classes: number;
  };
  readonly tolerance: readonly string[];
}

const matcherOf = (json: MatcherJson): MatcherConfig => ({
  positiveIou: json.pos,
  negativeIou: json.neg,
  minPositiveIou: json.min_pos,
  lowQuality: json.match_low_quality,
  // The fixtures are computed in float64, which doesn't split ties as float32 does.
  tieTolerance: 1e-6,
});

const fixtures = discoverFixtures<AssignJson>('assign');

describe.each(fixtures)('$name', ({ json, tensors }) => {
  const floats = (name: string): Float32Array => tensors.get(name)!.data as Float32Array;
  const integers = (name: string): Int32Array => tensors.get(name)!.data as Int32Array;
  const overlaps = statedTolerance(json, 'max_overlaps');
  const deltas = statedTolerance(json, 'deltas');
  const { config } = json;
  const [height, width] = config.image;
  const image = { width, height };
  const sizes = levelSizes(image, PYRAMID_ANCHORS.strides);
  const anchors = pyramidAnchors(sizes, PYRAMID_ANCHORS);
  const usable = (allowedBorderPx: number): Uint8Array =>
    usableAnchors(anchors, sizes, PYRAMID_ANCHORS, { padded: image, image, allowedBorderPx });

  test('anchors are assigned as by the RPN, every exact tie included', () => {
    const matches = matchBoxes(anchors, floats('gts'), matcherOf(config.rpn), usable(-1));
    expect(matches.assigned).toEqual(integers('rpn.gt_inds'));
    expect(maxError(matches.maxOverlaps, floats('rpn.max_overlaps'))).toBeLessThanOrEqual(overlaps);
  });

  test('with border 0 only anchors inside the image take part', () => {
    const inside = usable(0);
    expect(inside).toEqual(tensors.get('rpn.inside_flags')!.data);
    const matches = matchBoxes(anchors, floats('gts'), matcherOf(config.rpn), inside);
    expect(matches.assigned.filter((_, i) => inside[i] === 1)).toEqual(
      integers('rpn_border0.gt_inds'),
    );
  });

  test('RPN samples and targets', () => {
    const matcher = matcherOf(config.rpn);
    const targets = rpnTargets(
      anchors,
      usable(-1),
      floats('gts'),
      { ...RPN_TARGETS, matcher },
      'inOrder',
    );
    expect(targets.positives).toEqual(integers('rpn.sample_pos_inorder'));
    expect(targets.negatives).toEqual(integers('rpn.sample_neg_inorder'));
    const all = rpnTargets(
      anchors,
      usable(-1),
      floats('gts'),
      { ...RPN_TARGETS, matcher, sampler: { numSamples: Infinity, positiveFraction: 1 } },
      'inOrder',
    );
    expect(all.positives).toEqual(integers('rpn.pos_inds'));
    expect(maxError(all.deltas, floats('rpn.pos_deltas'))).toBeLessThanOrEqual(deltas);
  });

  test('proposals are assigned as by the box heads', () => {
    const [proposals, gts] = [floats('rcnn.proposals'), floats('gts')];
    const mask = matchBoxes(proposals, gts, matcherOf(config.rcnn_lowq));
    expect(mask.assigned).toEqual(integers('rcnn.gt_inds_lowq'));
    expect(maxError(mask.maxOverlaps, floats('rcnn.max_overlaps'))).toBeLessThanOrEqual(overlaps);
    const cascade = matchBoxes(proposals, gts, matcherOf(config.rcnn_cascade06));
    expect(cascade.assigned).toEqual(integers('rcnn.gt_inds_cascade06'));
  });

  test('box head samples, classes and targets', () => {
    const [positives, negatives] = [integers('rcnn.sample_pos'), integers('rcnn.sample_neg')];
    const groundTruths = { boxes: floats('gts'), classIndices: integers('gt_labels') };
    const targets = roiTargets(
      floats('rcnn.proposals'),
      groundTruths,
      {
        ...ROI_TARGETS,
        matcher: matcherOf(config.rcnn_lowq),
        sampler: { numSamples: 64, positiveFraction: 0.25 },
        numClasses: config.num_classes,
      },
      'inOrder',
    );
    const candidates = [...groundTruths.boxes, ...floats('rcnn.proposals')];
    const sampled = [...positives, ...negatives].flatMap((i) => candidates.slice(4 * i, 4 * i + 4));
    expect(targets.numPositives).toBe(positives.length);
    expect([...targets.boxes]).toEqual(sampled);
    expect(targets.classIndices).toEqual(integers('rcnn.labels'));
    expect(maxError(targets.deltas, floats('rcnn.targets'))).toBeLessThanOrEqual(deltas);
  });

  test('boxes are assigned to the levels of the original', () => {
    expect(boxLevels(floats('levels.rois'))).toEqual(integers('levels.level'));
  });
});
