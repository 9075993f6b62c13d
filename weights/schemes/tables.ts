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

/**
 * Names of transformers' ConvNeXt and ConvNeXt V2 without the prefix of the classes (`convnextv2.`, `convnext.`,
 * `backbone.`).
 *
 * @see https://github.com/huggingface/transformers/blob/v4.40.0/src/transformers/models/convnextv2
 */
export const HUGGING_FACE: NamePairs = [
  ['downsample_layers.0.0.{p}', 'embeddings.patch_embeddings.{p}'],
  ['downsample_layers.0.1.{p}', 'embeddings.layernorm.{p}'],
  ['downsample_layers.{s}.{i}.{p}', 'encoder.stages.{s}.downsampling_layer.{i}.{p}'],
  ['stages.{s}.{b}.dwconv.{p}', 'encoder.stages.{s}.layers.{b}.dwconv.{p}'],
  ['stages.{s}.{b}.norm.{p}', 'encoder.stages.{s}.layers.{b}.layernorm.{p}'],
  ['stages.{s}.{b}.pwconv1.{p}', 'encoder.stages.{s}.layers.{b}.pwconv1.{p}'],
  ['stages.{s}.{b}.pwconv2.{p}', 'encoder.stages.{s}.layers.{b}.pwconv2.{p}'],
  ['stages.{s}.{b}.grn.gamma', 'encoder.stages.{s}.layers.{b}.grn.weight'],
  ['stages.{s}.{b}.grn.beta', 'encoder.stages.{s}.layers.{b}.grn.bias'],
  ['stages.{s}.{b}.grn.gamma', 'encoder.stages.{s}.layers.{b}.grn.gamma'],
  ['stages.{s}.{b}.grn.beta', 'encoder.stages.{s}.layers.{b}.grn.beta'],
  ['stages.{s}.{b}.gamma', 'encoder.stages.{s}.layers.{b}.layer_scale_parameter'], // V1's LayerScale
  ['norm.{p}', 'layernorm.{p}'],
  // The backbone class counts stages from 1: stage1 follows the official stages.0, whose norm is norm0 downstream.
  ['norm0.{p}', 'hidden_states_norms.stage1.{p}'],
  ['norm1.{p}', 'hidden_states_norms.stage2.{p}'],
  ['norm2.{p}', 'hidden_states_norms.stage3.{p}'],
  ['norm3.{p}', 'hidden_states_norms.stage4.{p}'],
  ['head.{p}', 'classifier.{p}'],
];

/**
 * Names of transformers' DINOv3 ConvNeXt.
 *
 * @see https://github.com/huggingface/transformers/blob/v4.56.0/src/transformers/models/dinov3_convnext
 */
export const HUGGING_FACE_DINOV3: NamePairs = [
  ['downsample_layers.{s}.{i}.{p}', 'stages.{s}.downsample_layers.{i}.{p}'],
  ['stages.{s}.{b}.dwconv.{p}', 'stages.{s}.layers.{b}.depthwise_conv.{p}'],
  ['stages.{s}.{b}.norm.{p}', 'stages.{s}.layers.{b}.layer_norm.{p}'],
  ['stages.{s}.{b}.pwconv1.{p}', 'stages.{s}.layers.{b}.pointwise_conv1.{p}'],
  ['stages.{s}.{b}.pwconv2.{p}', 'stages.{s}.layers.{b}.pointwise_conv2.{p}'],
  ['stages.{s}.{b}.gamma', 'stages.{s}.layers.{b}.gamma'],
  ['norm.{p}', 'layer_norm.{p}'],
  ['head.{p}', 'classifier.{p}'],
];
