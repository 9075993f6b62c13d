import * as tf from '../engine/tfjs.js';
import * as t from '../core/schema.js';
import { layer } from '../engine/capture/scope.js';
import { depthwiseConv } from '../engine/ops/conv.js';
import type { PositionAxes } from '../engine/ops/channels.js';
import { normLinear } from '../engine/ops/norm-linear.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import { EPS, projected, type BlockParams } from './block.js';
import { downsampled, type ConvNeXtV2Specs } from './convnextv2.js';
import type { MaskedBatch } from './fcmae-inputs.js';
import { gatherVisible, scatterVisible } from './fcmae-sites.js';
import type { GrnVariant } from './grn-variant.js';

/**
 * Visible sites over which the encoder's GRN aggregates:
 * - `sample`: those of each image, as in the dense model and in the code that trained the released weights
 * - `batch`: those of all images of the batch, as the published PyTorch script does
 */
export const GrnStatistics = t.oneOf('sample', 'batch');
export type GrnStatistics = t.Infer<typeof GrnStatistics>;

/** Options of an encoder. */
interface EncoderOptions {
  readonly statistics: GrnStatistics;
  /** `responseForm` of the configuration. */
  readonly variant?: GrnVariant | undefined;
  /** Called with `stem` and `stage0` … `stage3` as `[N, H, W, C]`, zero at removed sites. */
  readonly observe?: ((name: string, activation: tf.Tensor4D) => void) | undefined;
}

/** An encoder of masked images: `[N, H/32, W/32, C]`, zero at removed sites. */
export type MaskedEncoder = (
  params: TensorTree<ConvNeXtV2Specs>,
  batch: MaskedBatch,
  options: EncoderOptions,
) => tf.Tensor4D;

/** Axes over which GRN aggregates. */
export const STATISTICS_AXES: Readonly<Record<GrnStatistics, PositionAxes>> = {
  sample: [1, 2],
  batch: [0, 1, 2],
};

/**
 * Encoder that computes visible sites only, stored patch after patch. Only the depthwise convolution needs the map, with
 * zeros at removed sites; the other layers act on single sites, or on 2 × 2 sites of the same patch.
 *
 * @see ConvNeXt V2, section 3: https://arxiv.org/abs/2301.00808
 */
export const gatheredEncoder: MaskedEncoder = (params, batch, options) => {
  const { image, imageSegments, imageShape, sites } = batch;
  const seen = (name: string, stage: number, x: tf.Tensor4D): void =>
    options.observe?.(name, scatterVisible(x, sites[stage], sites[stage].shape));
  // The image has no gradient, so its gather needs no inverse.
  let x = gatheredImage(image, imageSegments, imageShape); // [N, K · patch, patch, 3]
  params.stages.forEach((blocks, s) => {
    x = layer(`downsample_layers.${s}`, () => downsampled(params, s, x)); // [N, K · cell, cell, C]
    if (s === 0) seen('stem', 0, x);
    const { shape } = sites[s];
    blocks.forEach((block, b) => {
      x = layer(`stages.${s}.${b}`, () => {
        const map = scatterVisible(x, sites[s], shape); // [N, H, W, C]
        const mixed = gatherVisible(depthwiseConv(map, block.dwconv), sites[s], shape);
        return x.add(pointwise(mixed, block, options));
      });
    });
    seen(`stage${s}`, s, x);
  });
  return scatterVisible(x, sites[3], sites[3].shape);
};

function gatheredImage(
  image: tf.Tensor4D,
  segments: tf.Tensor1D,
  { numImages, columns, numVisible, cell }: MaskedBatch['imageShape'],
): tf.Tensor4D {
  const [, height, , channels] = image.shape;
  return tf.tidy(() =>
    tf
      .gather(image.reshape([numImages * height * columns, cell * channels]), segments)
      .reshape<tf.Tensor4D>([numImages, numVisible * cell, cell, channels]),
  );
}

/** Computes a block from its depthwise convolution on. */
function pointwise(
  x: tf.Tensor4D,
  params: BlockParams,
  { statistics, variant }: EncoderOptions,
): tf.Tensor4D {
  const hidden = normLinear(x, params.norm, params.pwconv1, { eps: EPS }); // [N, H, W, 4C]
  return projected(hidden, params, variant, STATISTICS_AXES[statistics]);
}
