import { describe, expect, test } from 'vitest';
import {
  baseAnchors,
  levelOffsets,
  levelSizes,
  pyramidAnchors,
  type AnchorConfig,
} from '../../core/anchors.js';
import { BOX_HEAD_CODER, decodeBoxes, encodeBoxes, RPN_CODER } from '../../core/box-coder.js';
import { iouMatrix } from '../../core/boxes.js';
import { alignedGiou, giouMatrix } from '../core/giou.js';
import { discoverFixtures, maxError } from '../helpers/fixtures.js';
import { statedTolerance } from './stated-tolerance.js';

interface BoxCoderJson {
  readonly config: AnchorConfig & {
    readonly image: readonly [number, number];
    readonly feature_sizes: readonly (readonly [number, number])[];
  };
  readonly tolerance: readonly string[];
}

const fixtures = discoverFixtures<BoxCoderJson>('box_coder');

describe.each(fixtures)('$name', ({ json, tensors }) => {
  const floats = (name: string): Float32Array => tensors.get(name)!.data as Float32Array;
  const pixels = statedTolerance(json, 'coordinates');
  const ratios = statedTolerance(json, 'IoU');
  const [height, width] = json.config.image;
  const image = { width, height };

  test('anchors are those of the original', () => {
    const sizes = levelSizes(image, json.config.strides);
    expect(sizes).toEqual(
      json.config.feature_sizes.map(([rows, columns]) => ({ width: columns, height: rows })),
    );
    const anchors = pyramidAnchors(sizes, json.config);
    const offsets = levelOffsets(sizes, json.config);
    sizes.forEach((_, level) => {
      const base = baseAnchors(json.config.strides[level], json.config);
      expect(maxError(base, floats(`anchors.base${level}`))).toBeLessThanOrEqual(pixels);
      const ofLevel = anchors.subarray(4 * offsets[level], 4 * offsets[level + 1]);
      expect(maxError(ofLevel, floats(`anchors.level${level}`))).toBeLessThanOrEqual(pixels);
    });
  });

  test.each([
    ['coder.encode', RPN_CODER],
    ['coder.encode_std', BOX_HEAD_CODER],
  ])('%s', (name, coder) => {
    const deltas = encodeBoxes(floats('coder.boxes'), floats('coder.gts'), coder);
    expect(maxError(deltas, floats(name))).toBeLessThanOrEqual(ratios);
  });

  test.each([
    ['coder.decode', 'coder.deltas', RPN_CODER],
    ['coder.decode_std', 'coder.deltas', BOX_HEAD_CODER],
    ['coder.decode_clip', 'coder.deltas', { ...RPN_CODER, clip: image }],
    ['coder.decode_multi_std_clip', 'coder.deltas_multi', { ...BOX_HEAD_CODER, clip: image }],
  ])('%s', (name, deltas, options) => {
    const boxes = decodeBoxes(floats('coder.boxes'), floats(deltas), options);
    expect(maxError(boxes, floats(name))).toBeLessThanOrEqual(pixels);
  });

  test.each([
    ['iou.iou', iouMatrix],
    ['iou.giou', giouMatrix],
  ])('%s', (name, matrix) => {
    const actual = matrix(floats('iou.a'), floats('iou.b'));
    expect(maxError(actual, floats(name))).toBeLessThanOrEqual(ratios);
  });

  test('1 - giou of aligned boxes is the GIoU loss', () => {
    const loss = alignedGiou(floats('giou_loss.pred'), floats('giou_loss.target')).map(
      (giou) => 1 - giou,
    );
    expect(maxError(loss, floats('giou_loss.loss'))).toBeLessThanOrEqual(ratios);
  });
});
