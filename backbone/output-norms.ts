import type { Backbone, FeatureLevels } from '../engine/backbone.js';
import { layer } from '../engine/capture/scope.js';
import { channelNorm } from '../engine/ops/norm.js';
import { channelNormSpecs, type LayerSpecs } from '../engine/parameters/layers.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import { EPS } from './block.js';
import { convNeXtV2Features, createBackbone, type ConvNeXtV2Specs } from './convnextv2.js';
import type { ConvNeXtV2Config } from './variants.js';

/** Specs of the network plus one layer norm per output level. */
type DenseBackboneSpecs = ConvNeXtV2Specs & {
  readonly norm0: LayerSpecs<'vector'>;
  readonly norm1: LayerSpecs<'vector'>;
  readonly norm2: LayerSpecs<'vector'>;
  readonly norm3: LayerSpecs<'vector'>;
};

/**
 * Creates the backbone of detectors and segmenters: a separate layer norm is applied to every output level; the next
 * stage takes the level before that norm.
 *
 * @see ConvNeXt's detection and segmentation code, `norm{i}`: https://github.com/facebookresearch/ConvNeXt
 */
export function createDenseBackbone(config: ConvNeXtV2Config): Backbone {
  const plain = createBackbone(config);
  const eps = config.normEps ?? EPS;
  const { norm } = config;
  const [d0, d1, d2, d3] = config.dims;
  const specs = {
    ...plain.specs,
    norm0: channelNormSpecs(d0, norm),
    norm1: channelNormSpecs(d1, norm),
    norm2: channelNormSpecs(d2, norm),
    norm3: channelNormSpecs(d3, norm),
  } as DenseBackboneSpecs;
  return {
    ...plain,
    specs,
    features: (params: TensorTree<DenseBackboneSpecs>, image, inputs): FeatureLevels => {
      const { c2, c3, c4, c5 } = convNeXtV2Features(params, image, {
        ...inputs,
        variant: config.responseForm,
        eps,
        form: config,
      });
      const form = { eps, kind: norm };
      return layer('outputNorms', () => ({
        c2: channelNorm(c2, params.norm0, form),
        c3: channelNorm(c3, params.norm1, form),
        c4: channelNorm(c4, params.norm2, form),
        c5: channelNorm(c5, params.norm3, form),
      }));
    },
  };
}
