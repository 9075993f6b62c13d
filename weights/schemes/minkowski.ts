import type { NamePairs } from './name-map.js';

/**
 * Official dense names and those of the sparse encoder on MinkowskiEngine, without its prefix `encoder.`.
 *
 * @see https://github.com/facebookresearch/ConvNeXt-V2/blob/main/models/convnextv2_sparse.py
 */
export const SPARSE: NamePairs = [
  ['downsample_layers.0.{i}.{p}', 'downsample_layers.0.{i}.{p}'],
  ['downsample_layers.{s}.0.{p}', 'downsample_layers.{s}.0.ln.{p}'],
  ['downsample_layers.{s}.1.weight', 'downsample_layers.{s}.1.kernel'],
  ['downsample_layers.{s}.1.bias', 'downsample_layers.{s}.1.bias'],
  ['stages.{s}.{b}.dwconv.weight', 'stages.{s}.{b}.dwconv.kernel'],
  ['stages.{s}.{b}.dwconv.bias', 'stages.{s}.{b}.dwconv.bias'],
  ['stages.{s}.{b}.norm.{p}', 'stages.{s}.{b}.norm.ln.{p}'],
  ['stages.{s}.{b}.pwconv1.{p}', 'stages.{s}.{b}.pwconv1.linear.{p}'],
  ['stages.{s}.{b}.pwconv2.{p}', 'stages.{s}.{b}.pwconv2.linear.{p}'],
  ['stages.{s}.{b}.grn.gamma', 'stages.{s}.{b}.grn.gamma'],
  ['stages.{s}.{b}.grn.beta', 'stages.{s}.{b}.grn.beta'],
];
