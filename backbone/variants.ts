import { ConfigError } from '../core/errors.js';
import { nearestWord } from '../core/nearest-word.js';
import * as t from '../core/schema.js';
import { GrnVariant } from './grn-variant.js';

/**
 * Stem of overlapping patches: two 3×3 convolutions of stride 2, in some networks of timm (`_ols`).
 *
 * @see https://github.com/huggingface/pytorch-image-models/blob/v1.0.15/timm/models/convnext.py, `stem_type`
 */
export const OverlappingStem = t.record({
  /** `activated`: with GELU between the convolutions. */
  kind: t.oneOf('overlap', 'activated'),
  /** Channels between the convolutions. */
  channels: t.whole(1, 2 ** 14),
});
export type OverlappingStem = t.Infer<typeof OverlappingStem>;

/**
 * Configuration of a ConvNeXt V2 network without head. Depths and widths are free; {@link VARIANTS} has the published
 * ones.
 */
export const ConvNeXtV2Config = t.record({
  /** Number of blocks of the four stages. */
  depths: t.list(t.whole(1, 1024), 4),
  /** Channels of the four stages. */
  dims: t.list(t.whole(1, 2 ** 14), 4),
  /** `grn`: the V2 block. `none`: a V1-style block, for comparisons and for folded V1 weights. */
  responseNorm: t.oneOf('grn', 'none'),
  /** Variant of GRN for the paper's ablations; absent in all published models. */
  responseForm: t.optional(GrnVariant),
  /**
   * Initial weights. Absent, as in all published models: normal distribution with standard deviation 0.02, whatever the
   * width. `fanIn`: standard deviation 1/√(inputs of a unit), with which small networks learn from scratch at twice the
   * learning rate in half the steps.
   */
  initialWeights: t.optional(t.oneOf('fanIn')),
  /** Epsilon of all layer norms; absent: 1e-6, as in all published models but CLIP's of size xxlarge (1e-5). */
  normEps: t.optional(t.POSITIVE),
  /** Epsilon of the norm before a classifier's head; absent: `normEps`. In transformers' classifiers 1e-12. */
  headNormEps: t.optional(t.POSITIVE),
  /** Kind of all norms over channels; absent: layer norm, as in all published models but timm's `_rms`. */
  norm: t.optional(t.oneOf('rms', 'simple')),
  /** Stem of overlapping patches; absent: patches of 4×4 pixels, as in all published models but timm's `_ols`. */
  stem: t.optional(OverlappingStem),
});
export type ConvNeXtV2Config = t.Infer<typeof ConvNeXtV2Config>;

/** Names of the published variants, smallest first. */
export const VARIANT_NAMES = [
  'atto',
  'femto',
  'pico',
  'nano',
  'tiny',
  'base',
  'large',
  'huge',
] as const;

/** Name of a published variant. */
export type VariantName = (typeof VARIANT_NAMES)[number];

/**
 * The published variants.
 *
 * @see ConvNeXt V2, appendix A: https://arxiv.org/abs/2301.00808
 */
export const VARIANTS = {
  atto: { depths: [2, 2, 6, 2], dims: [40, 80, 160, 320], responseNorm: 'grn' },
  femto: { depths: [2, 2, 6, 2], dims: [48, 96, 192, 384], responseNorm: 'grn' },
  pico: { depths: [2, 2, 6, 2], dims: [64, 128, 256, 512], responseNorm: 'grn' },
  nano: { depths: [2, 2, 8, 2], dims: [80, 160, 320, 640], responseNorm: 'grn' },
  tiny: { depths: [3, 3, 9, 3], dims: [96, 192, 384, 768], responseNorm: 'grn' },
  base: { depths: [3, 3, 27, 3], dims: [128, 256, 512, 1024], responseNorm: 'grn' },
  large: { depths: [3, 3, 27, 3], dims: [192, 384, 768, 1536], responseNorm: 'grn' },
  huge: { depths: [3, 3, 27, 3], dims: [352, 704, 1408, 2816], responseNorm: 'grn' },
} as const satisfies Readonly<Record<VariantName, ConvNeXtV2Config>>;

/**
 * Sizes that only ConvNeXt V1 was published in, with V1's blocks.
 *
 * @see ConvNeXt, section 3: https://arxiv.org/abs/2201.03545
 */
export const V1_VARIANTS = {
  small: { depths: [3, 3, 27, 3], dims: [96, 192, 384, 768], responseNorm: 'none' },
  xlarge: { depths: [3, 3, 27, 3], dims: [256, 512, 1024, 2048], responseNorm: 'none' },
} as const satisfies Readonly<Record<string, ConvNeXtV2Config>>;

const { base, large, huge, ...smaller } = VARIANTS;
const { small, xlarge } = V1_VARIANTS;
/** By size. */
const ALL_VARIANTS = { ...smaller, small, base, large, xlarge, huge };

/** The published size of that name, also V1's. @throws ConfigError with all names and the nearest if there is none */
export function variant(name: string): ConvNeXtV2Config {
  if (isVariant(name)) return ALL_VARIANTS[name];
  const names = Object.keys(ALL_VARIANTS);
  throw new ConfigError(
    `model size: expected one of ${names.join(', ')}, got ${name}; nearest: ${nearestWord(name, names)}`,
  );
}

/** Whether {@link variant} has a size of that name. */
export function isVariant(name: string): name is keyof typeof ALL_VARIANTS {
  return Object.hasOwn(ALL_VARIANTS, name);
}
