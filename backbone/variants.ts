import { ConfigError } from '../core/errors.js';
import { nearestWord } from '../core/nearest-word.js';
import { list, oneOf, optional, record, whole, type Infer } from '../core/schema.js';
import { GrnVariant } from './grn-variant.js';

/**
 * Configuration of a ConvNeXt V2 network without head. Depths and widths are free; {@link VARIANTS} has the published
 * ones.
 */
export const ConvNeXtV2Config = record({
  /** Number of blocks of the four stages. */
  depths: list(whole(1), 4),
  /** Channels of the four stages. */
  dims: list(whole(1), 4),
  /** `grn`: the V2 block. `none`: a V1-style block, for comparisons and for folded V1 weights. */
  responseNorm: oneOf('grn', 'none'),
  /** Variant of GRN for the paper's ablations; absent in all published models. */
  responseForm: optional(GrnVariant),
  /**
   * Initial weights. Absent, as in all published models: normal distribution with standard deviation 0.02, whatever the
   * width. `fanIn`: standard deviation 1/√(inputs of a unit), with which small networks learn from scratch at twice the
   * learning rate in half the steps.
   */
  initialWeights: optional(oneOf('fanIn')),
});
export type ConvNeXtV2Config = Infer<typeof ConvNeXtV2Config>;

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

/** The published size of that name. @throws ConfigError with all names and the nearest if there is none */
export function variant(name: string): ConvNeXtV2Config {
  if ((VARIANT_NAMES as readonly string[]).includes(name)) return VARIANTS[name as VariantName];
  throw new ConfigError(
    `model size: expected one of ${VARIANT_NAMES.join(', ')}, got ${name}; nearest: ${nearestWord(name, VARIANT_NAMES)}`,
  );
}
