import type * as tf from '@tensorflow/tfjs';
import { assertList, assertObject } from '../core/arguments.js';
import { assertShape } from '../core/shape.js';
import type { Backbone, BackboneInputs, FeatureLevels } from '../engine/backbone.js';
import { layer } from '../engine/capture/scope.js';
import { patchifyConv } from '../engine/ops/conv.js';
import { channelNorm, type NormForm } from '../engine/ops/norm.js';
import { channelNormSpecs, convSpecs, type LayerSpecs } from '../engine/parameters/layers.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import { EPS, block, blockSpecs, weightInit, type BlockSpecs } from './block.js';
import type { GrnVariant } from './grn-variant.js';
import { stemMap, stemSpecs, type StemSpecs } from './stem.js';
import type { ConvNeXtV2Config } from './variants.js';

/** Specs of the network, by the names of the official checkpoints. */
export type ConvNeXtV2Specs = {
  /** The stem is convolution, norm; the others are norm, convolution. */
  readonly downsample_layers: readonly [StemSpecs, Downsample, Downsample, Downsample];
  readonly stages: readonly (readonly BlockSpecs[])[];
};

type Downsample = readonly [LayerSpecs<'vector'>, LayerSpecs<'conv'>];

/** Parameters of a network. */
export function convNeXtV2Specs(config: ConvNeXtV2Config): ConvNeXtV2Specs {
  const { depths, dims, responseNorm, responseForm, initialWeights, norm } = config;
  const init = weightInit(initialWeights);
  const downsample = (s: 1 | 2 | 3): Downsample => [
    channelNormSpecs(dims[s - 1], norm),
    convSpecs(2, dims[s - 1], dims[s], init(4 * dims[s - 1])),
  ];
  return {
    downsample_layers: [stemSpecs(config, init), downsample(1), downsample(2), downsample(3)],
    stages: depths.map((depth, s) =>
      Array.from({ length: depth }, () =>
        blockSpecs(dims[s], responseNorm, responseForm, init, norm),
      ),
    ),
  };
}

/** Optional inputs of a forward pass. */
interface ConvNeXtV2Inputs extends BackboneInputs {
  /** `responseForm` of the configuration. */
  readonly variant?: GrnVariant | undefined;
  /** Epsilon of the norms; default {@link EPS}. */
  readonly eps?: number | undefined;
  /** `norm` and `stem` of the configuration. */
  readonly form?: Pick<ConvNeXtV2Config, 'norm' | 'stem'> | undefined;
}

/**
 * Computes the four feature maps of an image.
 *
 * @param image `[N, H, W, 3]`, normalized; pixels beyond a multiple of 32 are ignored
 * @returns c2 … c5, `[N, H/4, W/4, dims[0]]` … `[N, H/32, W/32, dims[3]]`, without any output norm
 * @throws ShapeError if the image does not have three channels
 */
export function convNeXtV2Features(
  params: TensorTree<ConvNeXtV2Specs>,
  image: tf.Tensor4D,
  { dropPath, variant, observe, eps = EPS, form = {} }: ConvNeXtV2Inputs = {},
): FeatureLevels {
  assertShape('convNeXtV2', image, ['N', 'H', 'W', 3]);
  const [n] = image.shape;
  const normKind = form.norm;
  const levels: tf.Tensor4D[] = [];
  let x = image;
  let index = 0;
  params.stages.forEach((blocks, s) => {
    x = layer(`downsample_layers.${s}`, () =>
      s === 0
        ? stemMap(params.downsample_layers[0], x, form.stem, { eps, kind: normKind })
        : downsampled(params, s, x, { eps, kind: normKind }),
    );
    observe?.(s === 0 ? 'stem' : `downsample${s}`, x);
    blocks.forEach((blockParams, b) => {
      const name = `stages.${s}.${b}`;
      const row = index++;
      x = layer(name, () =>
        block(x, blockParams, {
          variant,
          eps,
          normKind,
          dropPathMask: dropPath?.slice([row, 0], [1, n]).reshape<tf.Tensor1D>([n]),
          observe: observe && ((kind, value) => observe(`${name}.${kind}`, value)),
        }),
      );
    });
    observe?.(`stage${s}`, x);
    levels.push(x);
  });
  const [c2, c3, c4, c5] = levels;
  return { c2, c3, c4, c5 };
}

/**
 * Downsamples a map for stage `stage`: the stem of patches for stage 0, norm and 2×2 convolution for the others.
 *
 * @param x `[N, H, W, C]`
 */
export function downsampled(
  params: TensorTree<ConvNeXtV2Specs>,
  stage: number,
  x: tf.Tensor4D,
  form: NormForm = { eps: EPS },
): tf.Tensor4D {
  const [stem, ...rest] = params.downsample_layers;
  if (stage === 0) return stemMap(stem, x, undefined, form);
  const [norm, conv] = rest[stage - 1];
  return patchifyConv(channelNorm(x, norm, form), conv);
}

/**
 * Creates the backbone: the network as a value that heads build on.
 *
 * @example
 *   ```ts
 *   const { channels, specs } = createBackbone(VARIANTS.atto);
 *   console.log(channels, numParameters(specs)); // [ 40, 80, 160, 320 ] 3386760
 *   ```
 */
export function createBackbone(
  config: ConvNeXtV2Config,
): Backbone & { readonly specs: ConvNeXtV2Specs } {
  assertObject('createBackbone', 'a configuration as VARIANTS has them', config);
  assertList('createBackbone', 'depths as a list', config.depths);
  assertList('createBackbone', 'dims as a list', config.dims);
  return {
    specs: convNeXtV2Specs(config),
    channels: config.dims,
    numBlocks: config.depths.reduce((total, depth) => total + depth, 0),
    features: (params: TensorTree<ConvNeXtV2Specs>, image, inputs) =>
      convNeXtV2Features(params, image, {
        ...inputs,
        variant: config.responseForm,
        eps: config.normEps,
        form: config,
      }),
  };
}
