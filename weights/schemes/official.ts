import type { NamePairs } from './name-map.js';

/**
 * Names of facebookresearch/ConvNeXt-V2 and ConvNeXt, which are this library's parameter paths. `norms.3` is the final
 * norm once more in DINOv3's files.
 *
 * @see https://github.com/facebookresearch/ConvNeXt-V2/blob/main/models/convnextv2.py
 * @see https://github.com/facebookresearch/dinov3/blob/main/dinov3/models/convnext.py
 */
export const OFFICIAL: NamePairs = [
  ['downsample_layers.{s}.{i}.{p}', 'downsample_layers.{s}.{i}.{p}'],
  ['stages.{s}.{b}.dwconv.{p}', 'stages.{s}.{b}.dwconv.{p}'],
  ['stages.{s}.{b}.norm.{p}', 'stages.{s}.{b}.norm.{p}'],
  ['stages.{s}.{b}.pwconv1.{p}', 'stages.{s}.{b}.pwconv1.{p}'],
  ['stages.{s}.{b}.pwconv2.{p}', 'stages.{s}.{b}.pwconv2.{p}'],
  ['stages.{s}.{b}.grn.gamma', 'stages.{s}.{b}.grn.gamma'],
  ['stages.{s}.{b}.grn.beta', 'stages.{s}.{b}.grn.beta'],
  ['stages.{s}.{b}.grn.gamma', 'stages.{s}.{b}.grn.weight'],
  ['stages.{s}.{b}.grn.beta', 'stages.{s}.{b}.grn.bias'],
  ['stages.{s}.{b}.gamma', 'stages.{s}.{b}.gamma'], // V1's LayerScale
  ['norm{k}.{p}', 'norm{k}.{p}'], // output norms of dense tasks
  ['norm.{p}', 'norm.{p}'],
  ['norm.{p}', 'norms.3.{p}'],
  ['norm_pre.{p}', 'norm_pre.{p}'], // of timm's `_hnf`
  ['pre_logits.{p}', 'pre_logits.{p}'],
  ['head.{p}', 'head.{p}'],
];
