import * as tf from '../engine/tfjs.js';
import { EPS, projected } from '../backbone/block.js';
import { downsampled } from '../backbone/convnextv2.js';
import { STATISTICS_AXES, type MaskedEncoder } from '../backbone/fcmae-encoder.js';
import { visibleSites } from '../backbone/fcmae-inputs.js';
import { ConfigError } from '../core/errors.js';
import { layer } from '../engine/capture/scope.js';
import { depthwiseConv } from '../engine/ops/conv.js';
import { standardize } from '../engine/ops/layer-norm.js';
import { foldNorm, type LinearParams } from '../engine/ops/linear.js';

/**
 * Encoder on the whole map, masked before and after every convolution: the oracle of `gatheredEncoder` and the
 * baseline of its speed.
 *
 * @throws ConfigError for another form of response normalization
 */
export const denseMaskedEncoder: MaskedEncoder = (params, batch, options) => {
  const { statistics, variant, observe } = options;
  // Other variants would include the removed sites in their statistics.
  if (variant) {
    throw new ConfigError(
      `denseMaskedEncoder: expected global response normalization, got ${variant.kind}`,
    );
  }
  let x = batch.image;
  params.stages.forEach((blocks, s) => {
    const visible = visibleSites(batch, s); // [N, H, W, 1]
    x = layer(`downsample_layers.${s}`, () => downsampled(params, s, x).mul(visible));
    if (s === 0) observe?.('stem', x);
    blocks.forEach((block, b) => {
      x = layer(`stages.${s}.${b}`, () => {
        const mixed = depthwiseConv(x, block.dwconv);
        const hidden = maskedLinear(
          standardize(mixed, EPS),
          foldNorm(block.norm, block.pwconv1),
          visible,
        ); // [N, H, W, 4C]
        const branch = projected(hidden, block, variant, STATISTICS_AXES[statistics]);
        return x.add(branch.mul(visible));
      });
    });
    observe?.(`stage${s}`, x);
  });
  return x;
};

/**
 * Computes `linear(x)`, zero at removed sites, which then add nothing to GRN because gelu(0) = 0.
 *
 * The mask is multiplied into the input and appended to it as one more channel, whose weight is the bias: the input is a
 * quarter as wide as the output.
 */
function maskedLinear(
  x: tf.Tensor4D,
  { weight, bias }: LinearParams,
  visible: tf.Tensor4D,
): tf.Tensor4D {
  const [channels, out] = weight.shape;
  const [n, h, w] = x.shape;
  return tf.tidy(() => {
    const input = tf.concat([x.mul(visible), visible], 3).reshape([n * h * w, channels + 1]);
    const matrix = tf.concat([weight, bias.reshape([1, out])]); // [C + 1, 4C]
    return tf.matMul(input, matrix).reshape([n, h, w, out]);
  });
}
