import * as tf from '../engine/tfjs.js';
import { halvingConv, patchifyConv, type ConvParams } from '../engine/ops/conv.js';
import { gelu } from '../engine/ops/gelu.js';
import { channelNorm, type ChannelNormParams, type NormForm } from '../engine/ops/norm.js';
import { channelNormSpecs, convSpecs, type LayerSpecs } from '../engine/parameters/layers.js';
import type { WeightInit } from './block.js';
import type { ConvNeXtV2Config, OverlappingStem } from './variants.js';

/** Specs of a stem by position, as in PyTorch's sequence: convolution and norm, or two convolutions and norm. */
export type StemSpecs = readonly [LayerSpecs<'conv'>, LayerSpecs<'vector'>];

/** Parameters of the stem. */
export function stemSpecs(
  { stem, dims: [dim], norm }: Pick<ConvNeXtV2Config, 'stem' | 'dims' | 'norm'>,
  init: WeightInit,
): StemSpecs {
  if (!stem) return [convSpecs(4, 3, dim, init(48)), channelNormSpecs(dim, norm)];
  const { channels } = stem;
  const [second, last] = positions(stem);
  const specs: Readonly<Record<number, LayerSpecs<'conv' | 'vector'>>> = {
    0: convSpecs(3, 3, channels, init(27)),
    [second]: convSpecs(3, channels, dim, init(9 * channels)),
    [last]: channelNormSpecs(dim, norm),
  };
  return specs as unknown as StemSpecs;
}

/** Positions of the second convolution and of the norm: a GELU takes one of its own. */
function positions({ kind }: OverlappingStem): readonly [second: number, norm: number] {
  return kind === 'activated' ? [2, 3] : [1, 2];
}

/**
 * Computes the first map of an image.
 *
 * @param image `[N, H, W, 3]`
 * @returns `[N, ⌊H / 4⌋, ⌊W / 4⌋, dims[0]]`; of overlapping patches `[N, ⌈H / 4⌉, ⌈W / 4⌉, dims[0]]`
 */
export function stemMap(
  params: unknown,
  image: tf.Tensor4D,
  stem: OverlappingStem | undefined,
  form: NormForm,
): tf.Tensor4D {
  const at = params as Readonly<Record<number, unknown>>;
  if (!stem)
    return channelNorm(patchifyConv(image, at[0] as ConvParams), at[1] as ChannelNormParams, form);
  const [second, last] = positions(stem);
  return tf.tidy(() => {
    const first = halvingConv(image, at[0] as ConvParams);
    const map = halvingConv(
      stem.kind === 'activated' ? gelu(first) : first,
      at[second] as ConvParams,
    );
    return channelNorm(map, at[last] as ChannelNormParams, form);
  });
}
