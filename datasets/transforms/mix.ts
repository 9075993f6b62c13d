import { ShapeError } from '../../core/errors.js';
import type { Random } from '../../core/random.js';
import * as t from '../../core/schema.js';
import { drawBeta } from './beta.js';
import type { Rect, Size } from './rect.js';

/** Options of mixing batches. */
export const MixOptions = t.record({
  /** Parameter of mixup's Beta(α, α); 0 disables mixup. */
  mixupAlpha: t.NON_NEGATIVE,
  /** Parameter of CutMix's Beta(α, α); 0 disables CutMix. */
  cutmixAlpha: t.NON_NEGATIVE,
  /** Fraction of batches that are mixed. */
  probability: t.FRACTION,
  /** Fraction of CutMix if both are enabled. */
  switchProbability: t.FRACTION,
});
export type MixOptions = t.Infer<typeof MixOptions>;

/** Random draw for a batch; `lambda` is the weight of an image's own label. */
export type Mix =
  | { readonly kind: 'none'; readonly lambda: 1 }
  | { readonly kind: 'mixup'; readonly lambda: number }
  | { readonly kind: 'cutmix'; readonly lambda: number; readonly box: Rect };

/** Layout of a batch, `[N, H, W, C]`. */
type BatchShape = readonly [number, number, number, number];

/**
 * Draws the mix of a batch: one λ, and for CutMix one box, for all images.
 *
 * @see timm 0.3.2, data/mixup.py, mode `batch`
 */
export function drawMix(size: Size, options: MixOptions, random: Random): Mix {
  const { mixupAlpha, cutmixAlpha, probability, switchProbability } = options;
  const isOn = mixupAlpha > 0 || cutmixAlpha > 0;
  if (!isOn || !random.chance(probability)) return { kind: 'none', lambda: 1 };
  const isCutMix = cutmixAlpha > 0 && (mixupAlpha === 0 || random.uniform() < switchProbability);
  const alpha = isCutMix ? cutmixAlpha : mixupAlpha;
  const lambda = drawBeta(random, alpha, alpha);
  if (!isCutMix) return { kind: 'mixup', lambda };
  const centerY = random.integer(size.height);
  const centerX = random.integer(size.width);
  return cutMixBox(size, lambda, { centerX, centerY });
}

/**
 * Draws a box of about 1 − λ of the image area, clipped at the border, and corrects λ to the actual area. An odd side
 * loses a pixel, as in the original.
 */
export function cutMixBox(
  { width, height }: Size,
  lambda: number,
  { centerX, centerY }: { readonly centerX: number; readonly centerY: number },
): Extract<Mix, { kind: 'cutmix' }> {
  const ratio = Math.sqrt(1 - lambda);
  const range = (center: number, side: number): [number, number] => {
    const half = Math.trunc(side * ratio) >> 1;
    return [Math.max(center - half, 0), Math.min(center + half, side)];
  };
  const [y, y2] = range(centerY, height);
  const [x, x2] = range(centerX, width);
  const box = { x, y, width: x2 - x, height: y2 - y };
  return { kind: 'cutmix', lambda: 1 - (box.width * box.height) / (width * height), box };
}

/**
 * Mixes every image with its partner, in place: the first with the last, the second with the last but one, …
 *
 * @param images `[N, H, W, C]`, N is even
 * @throws ShapeError if N is odd, because the middle image would have no partner
 * @see mixup: https://arxiv.org/abs/1710.09412; CutMix: https://arxiv.org/abs/1905.04899
 */
export function mixImages(images: Float32Array, shape: BatchShape, mix: Mix): void {
  const [n, h, w, c] = shape;
  if (n % 2 !== 0) throw new ShapeError(`mixImages: expected an even number of images, got ${n}`);
  const imageValues = h * w * c;
  for (let i = 0; i < n / 2; i++) {
    const first = i * imageValues;
    const second = (n - 1 - i) * imageValues;
    switch (mix.kind) {
      case 'none':
        break;
      case 'mixup':
        blend(images, { first, second, length: imageValues }, mix.lambda);
        break;
      case 'cutmix':
        for (let y = mix.box.y; y < mix.box.y + mix.box.height; y++) {
          const row = (y * w + mix.box.x) * c;
          const length = mix.box.width * c;
          swap(images, { first: first + row, second: second + row, length });
        }
        break;
      default:
        mix satisfies never;
    }
  }
}

interface Pair {
  readonly first: number;
  readonly second: number;
  readonly length: number;
}

function blend(values: Float32Array, { first, second, length }: Pair, lambda: number): void {
  for (let i = 0; i < length; i++) {
    const a = values[first + i];
    const b = values[second + i];
    values[first + i] = lambda * a + (1 - lambda) * b;
    values[second + i] = lambda * b + (1 - lambda) * a;
  }
}

function swap(values: Float32Array, { first, second, length }: Pair): void {
  for (let i = 0; i < length; i++) {
    const a = values[first + i];
    values[first + i] = values[second + i];
    values[second + i] = a;
  }
}

/**
 * Computes the soft targets of a mixed batch: λ times an image's smoothed label plus 1 − λ times its partner's. A
 * smoothed label is `ε / K` for every class and `1 − ε + ε / K` for the label.
 *
 * @param labels `[N]`, 0 … K − 1
 * @returns `[N, K]`
 */
export function mixedTargets(
  labels: Int32Array,
  {
    numClasses,
    lambda,
    smoothing,
  }: {
    readonly numClasses: number;
    readonly lambda: number;
    readonly smoothing: number;
  },
): Float32Array {
  const targets = new Float32Array(labels.length * numClasses).fill(smoothing / numClasses);
  labels.forEach((label, i) => {
    const partner = labels[labels.length - 1 - i];
    targets[i * numClasses + label] += lambda * (1 - smoothing);
    targets[i * numClasses + partner] += (1 - lambda) * (1 - smoothing);
  });
  return targets;
}
