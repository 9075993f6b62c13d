import type { NamePairs } from './name-map.js';

/**
 * Names of timm. Networks of `features_only` have `stem_0` and `stages_0` instead; the trunks of open_clip are timm's.
 *
 * @see https://github.com/huggingface/pytorch-image-models/blob/v1.0.15/timm/models/convnext.py
 */
export const TIMM: NamePairs = [
  ['downsample_layers.0.{i}.{p}', 'stem.{i}.{p}'],
  // Not `{s}`: other sizes of patches have one in stage 0 as well.
  ...[1, 2, 3].map(
    (s) => [`downsample_layers.${s}.{i}.{p}`, `stages.${s}.downsample.{i}.{p}`] as const,
  ),
  ['stages.{s}.{b}.dwconv.{p}', 'stages.{s}.blocks.{b}.conv_dw.{p}'],
  ['stages.{s}.{b}.norm.{p}', 'stages.{s}.blocks.{b}.norm.{p}'],
  ['stages.{s}.{b}.pwconv1.{p}', 'stages.{s}.blocks.{b}.mlp.fc1.{p}'],
  ['stages.{s}.{b}.pwconv2.{p}', 'stages.{s}.blocks.{b}.mlp.fc2.{p}'],
  ['stages.{s}.{b}.grn.gamma', 'stages.{s}.blocks.{b}.mlp.grn.weight'],
  ['stages.{s}.{b}.grn.beta', 'stages.{s}.blocks.{b}.mlp.grn.bias'],
  ['stages.{s}.{b}.grn.gamma', 'stages.{s}.blocks.{b}.mlp.grn.gamma'],
  ['stages.{s}.{b}.grn.beta', 'stages.{s}.blocks.{b}.mlp.grn.beta'],
  ['stages.{s}.{b}.gamma', 'stages.{s}.blocks.{b}.gamma'], // V1's LayerScale
  ['norm.{p}', 'head.norm.{p}'],
  ['norm_pre.{p}', 'norm_pre.{p}'], // `_hnf`: before pooling
  ['pre_logits.{p}', 'head.pre_logits.fc.{p}'], // `large_mlp` of CLIP
  ['head.{p}', 'head.fc.{p}'],
];

/** Names of `features_only` (`stem_0`, `stages_0`) as those of whole networks. */
export function withoutUnderscores(name: string): string {
  return name.replace(/^(stem|stages)_(\d+)\./, '$1.$2.');
}
