import type { NamePairs } from './name-map.js';

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

/** Names of transformers' UPerNet heads: those of mmsegmentation on the left. */
const UPERNET_HEADS: readonly (readonly [RegExp, string])[] = [
  [/^(decode_head|auxiliary_head)\.classifier\./, '$1.conv_seg.'],
  [/^((?:decode_head|auxiliary_head)\..*)\.batch_norm\./, '$1.bn.'],
];

/** Converts a name of transformers' UPerNet heads to that of mmsegmentation; others are kept. */
export function fromHuggingFaceUperNet(name: string): string {
  return UPERNET_HEADS.reduce((text, [pattern, to]) => text.replace(pattern, to), name);
}

/** Inverse of {@link fromHuggingFaceUperNet}. */
export function toHuggingFaceUperNet(name: string): string {
  return name
    .replace(/^(decode_head|auxiliary_head)\.conv_seg\./, '$1.classifier.')
    .replace(/^((?:decode_head|auxiliary_head)\..*)\.bn\./, '$1.batch_norm.');
}
