import type { NamePairs } from './name-map.js';

/**
 * Names of the backbone of mmpretrain, which mmdetection 3 and mmsegmentation 1 use: behind `backbone.`, beside
 * `head.fc`, `neck`, `roi_head`, `decode_head`. A classifier's final norm is `norm3` there.
 *
 * @see https://github.com/open-mmlab/mmpretrain/blob/v1.2.0/mmpretrain/models/backbones/convnext.py
 */
export const OPENMMLAB: NamePairs = [
  ['downsample_layers.{s}.{i}.{p}', 'downsample_layers.{s}.{i}.{p}'],
  ['stages.{s}.{b}.dwconv.{p}', 'stages.{s}.{b}.depthwise_conv.{p}'],
  ['stages.{s}.{b}.norm.{p}', 'stages.{s}.{b}.norm.{p}'],
  ['stages.{s}.{b}.pwconv1.{p}', 'stages.{s}.{b}.pointwise_conv1.{p}'],
  ['stages.{s}.{b}.pwconv2.{p}', 'stages.{s}.{b}.pointwise_conv2.{p}'],
  ['stages.{s}.{b}.grn.gamma', 'stages.{s}.{b}.grn.gamma'],
  ['stages.{s}.{b}.grn.beta', 'stages.{s}.{b}.grn.beta'],
  ['stages.{s}.{b}.grn.gamma', 'stages.{s}.{b}.grn.weight'],
  ['stages.{s}.{b}.grn.beta', 'stages.{s}.{b}.grn.bias'],
  ['stages.{s}.{b}.gamma', 'stages.{s}.{b}.gamma'], // V1's LayerScale
  ['norm{k}.{p}', 'norm{k}.{p}'],
  ['norm.{p}', 'norm.{p}'],
  ['head.{p}', 'head.fc.{p}'],
];
