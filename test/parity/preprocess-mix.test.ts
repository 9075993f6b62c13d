import { describe, expect, test } from 'vitest';
import { cutMixBox, mixedTargets, mixImages } from '../../datasets/transforms/mix.js';
import { discoverFixtures, maxError, type Fixture } from '../helpers/fixtures.js';

interface OptimJson {
  readonly mixup: {
    readonly lam: number;
    readonly num_classes: number;
    readonly smoothing: number;
  };
  readonly cutmix: {
    readonly yl: number;
    readonly yh: number;
    readonly xl: number;
    readonly xh: number;
    readonly corrected_lam: number;
  };
  readonly cutmix_boxes: readonly {
    readonly h: number;
    readonly w: number;
    readonly lam: number;
    readonly cy: number;
    readonly cx: number;
    readonly yl_yh_xl_xh: readonly number[];
    readonly corrected_lam: number;
  }[];
}

const fixtures = discoverFixtures<OptimJson>('optim');

/** Float32 rounding of products and sums of values of a few units. */
const FLOAT32 = 1e-6;

function nhwc({ tensors }: Fixture<OptimJson>, name: string) {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`no tensor ${name}`);
  const [n, c, h, w] = tensor.shape;
  const data = Float32Array.from(tensor.data, (_, i) => {
    const [channel, pixel] = [i % c, Math.floor(i / c)];
    const [image, at] = [Math.floor(pixel / (h * w)), pixel % (h * w)];
    return tensor.data[(image * c + channel) * h * w + at];
  });
  return { data, shape: [n, h, w, c] as const };
}

describe.each(fixtures)('$name', (fixture) => {
  const { json, tensors } = fixture;
  const labels = Int32Array.from(tensors.get('mix.labels')?.data ?? []);
  const { num_classes: numClasses, smoothing } = json.mixup;

  test('mixup blends an image with its partner from the other end', () => {
    const { data, shape } = nhwc(fixture, 'mix.images');
    const lambda = json.mixup.lam;
    mixImages(data, shape, { kind: 'mixup', lambda });
    expect(maxError(data, nhwc(fixture, 'mixup.images').data)).toBeLessThan(FLOAT32);
    const targets = mixedTargets(labels, { numClasses, lambda, smoothing });
    expect(maxError(targets, tensors.get('mixup.targets')?.data ?? [])).toBeLessThan(FLOAT32);
  });

  test('CutMix takes the box from the partner', () => {
    const { data, shape } = nhwc(fixture, 'mix.images');
    const { yl, yh, xl, xh, corrected_lam: lambda } = json.cutmix;
    const box = { x: xl, y: yl, width: xh - xl, height: yh - yl };
    mixImages(data, shape, { kind: 'cutmix', lambda, box });
    expect(maxError(data, nhwc(fixture, 'cutmix.images').data)).toBe(0);
    const targets = mixedTargets(labels, { numClasses, lambda, smoothing });
    expect(maxError(targets, tensors.get('cutmix.targets')?.data ?? [])).toBeLessThan(FLOAT32);
  });

  test.each(json.cutmix_boxes)('box at ($cx, $cy) of $w x $h, λ $lam', (c) => {
    const { box, lambda } = cutMixBox({ width: c.w, height: c.h }, c.lam, {
      centerX: c.cx,
      centerY: c.cy,
    });
    const edges = [box.y, box.y + box.height, box.x, box.x + box.width];
    expect(edges).toEqual(c.yl_yh_xl_xh);
    expect(lambda).toBeCloseTo(c.corrected_lam, 12);
  });
});
