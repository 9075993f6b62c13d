import type { NamePairs } from './name-map.js';

/**
 * Names of torchvision: `features` has stem, stage, downsampling, stage, … in turn.
 *
 * @see https://github.com/pytorch/vision/blob/v0.20.0/torchvision/models/convnext.py
 */
export const TORCHVISION: NamePairs = [
  ['downsample_layers.0.{i}.{p}', 'features.0.{i}.{p}'],
  ...[1, 2, 3].map((s) => [`downsample_layers.${s}.{i}.{p}`, `features.${2 * s}.{i}.{p}`] as const),
  ...[0, 1, 2, 3].flatMap((s) => {
    const block = `features.${2 * s + 1}.{b}`;
    return [
      [`stages.${s}.{b}.dwconv.{p}`, `${block}.block.0.{p}`],
      [`stages.${s}.{b}.norm.{p}`, `${block}.block.2.{p}`],
      [`stages.${s}.{b}.pwconv1.{p}`, `${block}.block.3.{p}`],
      [`stages.${s}.{b}.pwconv2.{p}`, `${block}.block.5.{p}`],
      [`stages.${s}.{b}.gamma`, `${block}.layer_scale`], // V1's LayerScale
    ] as const;
  }),
  ['norm.{p}', 'classifier.0.{p}'],
  ['head.{p}', 'classifier.2.{p}'],
];
