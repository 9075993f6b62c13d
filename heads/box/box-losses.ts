import * as tf from '../../engine/tfjs.js';
import { AREA_FLOOR_PX } from '../../core/boxes.js';
import { MAX_LOG_RATIO, type BoxCoderConfig } from '../../core/box-coder.js';
import * as t from '../../core/schema.js';
import { assertShape } from '../../core/shape.js';
import { l1, smoothL1 } from '../../engine/ops/losses.js';

const L1 = t.record({ kind: t.literal('l1'), weight: t.NON_NEGATIVE });
const SMOOTH_L1 = t.record({
  kind: t.literal('smoothL1'),
  beta: t.POSITIVE,
  weight: t.NON_NEGATIVE,
});
const GIOU = t.record({ kind: t.literal('giou'), weight: t.NON_NEGATIVE });

/** Losses of encoded deltas. */
export const DeltaLoss = t.byKind(L1, SMOOTH_L1);

/**
 * Kind of box regression loss:
 * - `l1`, `smoothL1`: on encoded deltas and targets, summed over the four
 * - `giou`: `1 − GIoU` of decoded, unclipped boxes and target boxes
 */
export const BoxLoss = t.byKind(L1, SMOOTH_L1, GIOU);
export type BoxLoss = t.Infer<typeof BoxLoss>;

/** Whether the loss needs target boxes in pixels instead of deltas. */
export const comparesBoxes = ({ kind }: BoxLoss): boolean => kind === 'giou';

/** Reference boxes for decoding, for losses on boxes. */
interface DecodeContext {
  /** `[R, 4]`, pixels. */
  readonly references: tf.Tensor2D;
  readonly coder: BoxCoderConfig;
}

/**
 * Computes the loss of every row, times the weight in {@link BoxLoss}.
 *
 * @param deltas `[R, 4]`
 * @param targets `[R, 4]`: deltas, or boxes where {@link comparesBoxes}
 * @returns `[R]`
 */
export function boxLoss(
  deltas: tf.Tensor2D,
  targets: tf.Tensor2D,
  loss: BoxLoss,
  context: DecodeContext,
): tf.Tensor1D {
  assertShape('boxLoss', targets, deltas.shape);
  return tf.tidy(() => {
    switch (loss.kind) {
      case 'l1':
        return l1(deltas, targets).sum(1).mul(loss.weight);
      case 'smoothL1':
        return smoothL1(deltas, targets, loss.beta).sum(1).mul(loss.weight);
      case 'giou':
        return tf.sub(1, giou(decodeDeltas(deltas, context), targets)).mul(loss.weight);
      default:
        return loss satisfies never;
    }
  });
}

/**
 * Decodes deltas as `decodeBoxes` does, but differentiably and without clipping.
 *
 * @param deltas `[R, 4]`
 * @returns `[R, 4]`
 */
export function decodeDeltas(
  deltas: tf.Tensor2D,
  { references, coder: { means, stds } }: DecodeContext,
): tf.Tensor2D {
  return tf.tidy(() => {
    const plain = deltas.mul(tf.tensor1d([...stds])).add<tf.Tensor2D>(tf.tensor1d([...means]));
    const [x1, y1, x2, y2] = columns(references);
    const [dx, dy, dw, dh] = columns(plain);
    const along = (
      low: tf.Tensor,
      high: tf.Tensor,
      shift: tf.Tensor,
      logRatio: tf.Tensor,
    ): readonly [tf.Tensor, tf.Tensor] => {
      const extent = high.sub(low);
      const center = low.add(high).mul(0.5).add(extent.mul(shift));
      const clamped = logRatio.clipByValue(-MAX_LOG_RATIO, MAX_LOG_RATIO);
      const half = extent.mul(0.5).mul(clamped.exp());
      return [center.sub(half), center.add(half)];
    };
    const [left, right] = along(x1, x2, dx, dw);
    const [top, bottom] = along(y1, y2, dy, dh);
    return tf.concat([left, top, right, bottom], 1) as tf.Tensor2D; // [R, 4]
  });
}

/**
 * Generalized IoU of the boxes of equal index, differentiable; union and enclosing area are at least 1e-6.
 *
 * @param a,b `[R, 4]`
 * @returns `[R]`
 * @see https://arxiv.org/abs/1902.09630
 */
export function giou(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => {
    const [ax1, ay1, ax2, ay2] = columns(a);
    const [bx1, by1, bx2, by2] = columns(b);
    const area = (x1: tf.Tensor, y1: tf.Tensor, x2: tf.Tensor, y2: tf.Tensor): tf.Tensor =>
      x2.sub(x1).mul(y2.sub(y1));
    const inter = ax2
      .minimum(bx2)
      .sub(ax1.maximum(bx1))
      .relu()
      .mul(ay2.minimum(by2).sub(ay1.maximum(by1)).relu());
    const union = area(ax1, ay1, ax2, ay2)
      .add(area(bx1, by1, bx2, by2))
      .sub(inter)
      .maximum(AREA_FLOOR_PX);
    const hull = ax2
      .maximum(bx2)
      .sub(ax1.minimum(bx1))
      .relu()
      .mul(ay2.maximum(by2).sub(ay1.minimum(by1)).relu())
      .maximum(AREA_FLOOR_PX);
    return inter.div(union).sub(hull.sub(union).div(hull)).reshape([-1]); // [R]
  });
}

/** Splits `[R, 4]` into its four columns, each `[R, 1]`. */
function columns(x: tf.Tensor2D): readonly tf.Tensor2D[] {
  return [0, 1, 2, 3].map((k) => x.slice([0, k], [x.shape[0], 1]));
}
