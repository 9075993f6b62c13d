import * as tf from '../../engine/tfjs.js';
import { layer } from '../../engine/capture/scope.js';
import { convSpecs, layerSpecs, type LayerSpecs } from '../../engine/parameters/layers.js';
import type { Initializer } from '../../engine/parameters/spec.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import { conv3x3 } from '../conv3x3.js';

/** Configuration of a mask head. */
interface MaskHeadConfig {
  /** Number of 3×3 convolutions before upsampling: 4. */
  readonly numConvs: number;
  /** Channels of the features and of all hidden layers. */
  readonly channels: number;
  /** K */
  readonly numClasses: number;
}

/** Specs of a mask head, by the names of mmdetection. */
export type MaskHeadSpecs = {
  readonly convs: readonly { readonly conv: LayerSpecs<'conv'> }[];
  /** Transposed convolution 2×2, stride 2. */
  readonly upsample: LayerSpecs<'convTranspose'>;
  /** 1×1, C → K. */
  readonly conv_logits: LayerSpecs<'conv'>;
};

/** Parameters of a mask head: Kaiming-normal weights (fan out, ReLU). */
export function maskHeadSpecs({ numConvs, channels, numClasses }: MaskHeadConfig): MaskHeadSpecs {
  const kaiming = (fanOut: number): Initializer => ({ kind: 'normal', std: Math.sqrt(2 / fanOut) });
  return {
    convs: Array.from({ length: numConvs }, () => ({
      conv: convSpecs(3, channels, channels, kaiming(9 * channels)),
    })),
    upsample: layerSpecs(
      'convTranspose',
      [2, 2, channels, channels],
      channels,
      kaiming(4 * channels),
    ),
    conv_logits: convSpecs(1, channels, numClasses, kaiming(numClasses)),
  };
}

/**
 * Predicts the mask of every RoI for its class. Only that class is computed: its column of the last 1×1 convolution is
 * selected first, which is exact and K times cheaper.
 *
 * @param features `[R, P, P, C]`
 * @param oneHot `[R, K]`: class of every RoI
 * @returns `[R, 2P, 2P]`, logits
 * @see Mask R-CNN, section 3: https://arxiv.org/abs/1703.06870
 */
export function maskHead(
  params: TensorTree<MaskHeadSpecs>,
  features: tf.Tensor4D,
  oneHot: tf.Tensor2D,
): tf.Tensor3D {
  return layer('mask_head', () => {
    let x = features;
    for (const { conv } of params.convs) x = conv3x3(x, conv).relu();
    const enlarged = enlarge(x, params.upsample).relu(); // [R, 2P, 2P, C]
    const [r, h, w, c] = enlarged.shape;
    const { weight, bias } = params.conv_logits;
    const perClass = weight.reshape([c, -1]); // [C, K]
    const own = oneHot.matMul(perClass, false, true).reshape([r, c, 1]); // [R, C, 1]
    const shift = oneHot.matMul(bias.reshape([-1, 1])).reshape([r, 1, 1]); // [R, 1, 1]
    const logits = enlarged.reshape([r, h * w, c]).matMul(own); // [R, 4P², 1]
    return logits.add(shift).reshape([r, h, w]);
  });
}

/**
 * Transposed 2×2 convolution with stride 2. Every cell becomes a block of four, so it is one product and a transpose.
 *
 * @param x `[R, H, W, in]`
 * @returns `[R, 2H, 2W, out]`
 */
export function enlarge(
  x: tf.Tensor4D,
  { weight, bias }: TensorTree<MaskHeadSpecs['upsample']>,
): tf.Tensor4D {
  const [r, h, w, inChannels] = x.shape;
  const [kh, kw, out] = weight.shape;
  return tf.tidy(() => {
    const cells = x.reshape([r * h * w, inChannels]) as tf.Tensor2D;
    const blocks = tf.matMul(
      cells,
      weight.reshape([kh * kw * out, inChannels]) as tf.Tensor2D,
      false,
      true,
    ); // [R·H·W, kh·kw·out]
    return blocks
      .reshape([r * h, w, kh, kw * out])
      .transpose([0, 2, 1, 3]) // [R·H, kh, W, kw·out]
      .reshape<tf.Tensor4D>([r, kh * h, kw * w, out])
      .add(bias);
  });
}
