import * as tf from '../engine/tfjs.js';
import { ConfigError } from '../core/errors.js';
import * as t from '../core/schema.js';
import { layer } from '../engine/capture/scope.js';
import { patchifyConv } from '../engine/ops/conv.js';
import { convSpecs, type LayerSpecs } from '../engine/parameters/layers.js';
import type { ParameterSpec } from '../engine/parameters/spec.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import { WEIGHT_INIT, block, blockSpecs, type BlockSpecs } from './block.js';
import { convNeXtV2Specs, type ConvNeXtV2Specs } from './convnextv2.js';
import { GrnStatistics, type MaskedEncoder } from './fcmae-encoder.js';
import { visibleSites, type MaskedBatch } from './fcmae-inputs.js';
import { ConvNeXtV2Config } from './variants.js';

/** Configuration of a fully convolutional masked autoencoder. */
export const FcmaeConfig = t.record({
  backbone: ConvNeXtV2Config,
  decoder: t.record({ channels: t.whole(1, 2 ** 14), depth: t.whole(0, 1024) }),
  /** Side of the patches that are removed and predicted, in pixels; a multiple of 32. */
  patchSize: { ...t.whole(32), multipleOf: 32 },
  /** Fraction of the patches that is removed. */
  maskRatio: t.number({ above: 0, to: 1 }),
  /** Statistics of GRN in the encoder; the decoder always uses those of each image. */
  statistics: GrnStatistics,
  /** Whether the target of a patch is normalized to mean 0 and variance 1. */
  normPixLoss: t.FLAG,
});
export type FcmaeConfig = t.Infer<typeof FcmaeConfig>;

/** Configuration of the published autoencoder. @see ConvNeXt V2, section 3 and table 8 */
export function fcmaeConfig(backbone: ConvNeXtV2Config): FcmaeConfig {
  return {
    backbone,
    decoder: { channels: 512, depth: 1 },
    patchSize: 32,
    maskRatio: 0.6,
    statistics: 'sample',
    normPixLoss: true,
  };
}

/**
 * Specs of the autoencoder: `encoder.…` with the dense names of the classifier, and `mask_token`, `proj`, `decoder.…`,
 * `pred` as in the official checkpoints.
 */
export type FcmaeSpecs = {
  readonly encoder: ConvNeXtV2Specs;
  readonly mask_token: ParameterSpec<'vector'>;
  readonly proj: LayerSpecs<'conv'>;
  readonly decoder: readonly BlockSpecs[];
  readonly pred: LayerSpecs<'conv'>;
};

/** Epsilon of the patches' variance. */
const VARIANCE_EPS = 1e-6;

/**
 * Parameters of an autoencoder. All weights start with a standard deviation of 0.02. (The published script redraws
 * convolutions with 1, its library's default, which looks unintended.)
 *
 * @throws ConfigError if the decoder is empty, or the backbone has another stem or other norms
 */
export function fcmaeSpecs({ backbone, decoder, patchSize }: FcmaeConfig): FcmaeSpecs {
  const { channels, depth } = decoder;
  if (!(Number.isInteger(channels) && channels > 0 && Number.isInteger(depth) && depth >= 0)) {
    throw new ConfigError(
      `fcmae decoder: expected whole channels and depth, got ${channels} and ${depth}`,
    );
  }
  if (backbone.stem ?? backbone.norm)
    throw new ConfigError(
      'fcmae backbone: expected patches of 4×4 pixels and layer norms, got another stem or norm',
    );
  return {
    encoder: convNeXtV2Specs(backbone),
    mask_token: {
      shape: [1, channels, 1, 1],
      layout: 'vector',
      init: { kind: 'normal', std: 0.02 },
      trainable: true,
    },
    proj: convSpecs(1, backbone.dims[3], channels, WEIGHT_INIT),
    decoder: Array.from({ length: depth }, () => blockSpecs(channels, 'grn')),
    pred: convSpecs(patchSize / 32, channels, patchSize ** 2 * 3, WEIGHT_INIT),
  };
}

/**
 * Decoder: predicts all patches from the encoded visible ones.
 *
 * @param encoded `[N, H/32, W/32, C]`, zero at removed sites
 * @param visible `[N, H/32, W/32, 1]`
 * @returns `[N, rows, columns, patchSize² · 3]`; channel `(y · patchSize + x) · 3 + c` of a patch
 */
function fcmaeDecoder(
  encoded: tf.Tensor4D,
  visible: tf.Tensor4D,
  { mask_token, proj, decoder, pred }: TensorTree<FcmaeSpecs>,
): tf.Tensor4D {
  let x = layer('proj', () => {
    const token = mask_token.reshape([1, 1, 1, mask_token.size]);
    return patchifyConv(encoded, proj)
      .mul(visible)
      .add<tf.Tensor4D>(token.mul(tf.sub(1, visible)));
  });
  decoder.forEach((params, b) => {
    x = layer(`decoder.${b}`, () => block(x, params));
  });
  return layer('pred', () => patchifyConv(x, pred));
}

/**
 * Rearranges an image as the pixels of every patch.
 *
 * @param image `[N, H, W, 3]`
 * @returns `[N, rows, columns, patchSize² · 3]`
 */
export function patchify(image: tf.Tensor4D, patchSize: number): tf.Tensor4D {
  const [n, height, width, channels] = image.shape;
  const [rows, columns] = [height / patchSize, width / patchSize];
  const rowValues = patchSize * channels;
  return tf.tidy(() =>
    image
      .reshape([n * rows, patchSize, columns, rowValues])
      .transpose([0, 2, 1, 3]) // [N · rows, columns, patchSize, patchSize · 3]
      .reshape<tf.Tensor4D>([n, rows, columns, patchSize * rowValues]),
  );
}

/**
 * Computes the target of the prediction: the pixels of every patch, with `normPixLoss` normalized to mean 0 and
 * (unbiased) variance 1 within each patch.
 *
 * @param image `[N, H, W, 3]`
 * @returns `[N, rows, columns, patchSize² · 3]`
 */
export function fcmaeTarget(
  image: tf.Tensor4D,
  { patchSize, normPixLoss }: Pick<FcmaeConfig, 'patchSize' | 'normPixLoss'>,
): tf.Tensor4D {
  return tf.tidy(() => {
    const pixels = patchify(image, patchSize);
    if (!normPixLoss) return pixels;
    const centered = pixels.sub(pixels.mean(-1, true));
    const variance = centered
      .mul(centered)
      .sum(-1, true)
      .div(pixels.shape[3] - 1); // [N, rows, columns, 1]
    return centered.mul<tf.Tensor4D>(variance.add(VARIANCE_EPS).rsqrt());
  });
}

/**
 * Mean squared error over the removed patches of the whole batch.
 *
 * @param mask `[N, rows, columns, 1]`, 1 where removed
 */
export function fcmaeLoss(
  prediction: tf.Tensor4D,
  target: tf.Tensor4D,
  mask: tf.Tensor4D,
): tf.Scalar {
  return tf.tidy(() => {
    const difference = prediction.sub(target);
    const errors = difference.mul(difference).mean(-1, true); // [N, rows, columns, 1]
    return errors.mul(mask).sum().div<tf.Scalar>(mask.sum());
  });
}

/** Outputs of an autoencoder. */
interface FcmaeOutputs {
  /** `[N, H/32, W/32, C]`, zero at removed sites. */
  readonly encoded: tf.Tensor4D;
  /** `[N, rows, columns, patchSize² · 3]` */
  readonly prediction: tf.Tensor4D;
  readonly loss: tf.Scalar;
}

/** Forward pass with either encoder. */
export function fcmae(
  params: TensorTree<FcmaeSpecs>,
  batch: MaskedBatch,
  config: FcmaeConfig,
  encoder: MaskedEncoder,
  observe?: (name: string, activation: tf.Tensor4D) => void,
): FcmaeOutputs {
  const { statistics, backbone } = config;
  const variant = backbone.responseForm;
  const encoded = encoder(params.encoder, batch, { statistics, variant, observe });
  const prediction = fcmaeDecoder(encoded, visibleSites(batch, 3), params);
  const loss = layer('loss', () =>
    fcmaeLoss(prediction, fcmaeTarget(batch.image, config), batch.mask),
  );
  return { encoded, prediction, loss };
}
