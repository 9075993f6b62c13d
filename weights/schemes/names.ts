import { renamesOf, type NamePairs } from './name-map.js';

/**
 * Naming schemes of the same network: `official` (facebookresearch/ConvNeXt-V2), `sparse` (its FCMAE encoder on
 * MinkowskiEngine), `timm`, `hf` (transformers). Official names are this library's parameter paths.
 */
export type Scheme = 'official' | 'sparse' | 'timm' | 'hf';

/** @see https://github.com/huggingface/pytorch-image-models/blob/v1.0.15/timm/models/convnext.py */
const TIMM: NamePairs = [
  ['downsample_layers.0.{i}.{p}', 'stem.{i}.{p}'],
  ['downsample_layers.{s}.{i}.{p}', 'stages.{s}.downsample.{i}.{p}'],
  ['stages.{s}.{b}.dwconv.{p}', 'stages.{s}.blocks.{b}.conv_dw.{p}'],
  ['stages.{s}.{b}.norm.{p}', 'stages.{s}.blocks.{b}.norm.{p}'],
  ['stages.{s}.{b}.pwconv1.{p}', 'stages.{s}.blocks.{b}.mlp.fc1.{p}'],
  ['stages.{s}.{b}.pwconv2.{p}', 'stages.{s}.blocks.{b}.mlp.fc2.{p}'],
  ['stages.{s}.{b}.grn.gamma', 'stages.{s}.blocks.{b}.mlp.grn.weight'],
  ['stages.{s}.{b}.grn.beta', 'stages.{s}.blocks.{b}.mlp.grn.bias'],
  ['stages.{s}.{b}.gamma', 'stages.{s}.blocks.{b}.gamma'], // V1's LayerScale
  ['norm.{p}', 'head.norm.{p}'],
  ['head.{p}', 'head.fc.{p}'],
];

/**
 * Names without the prefix of the full-model classes. @see
 * https://github.com/huggingface/transformers/blob/v4.40.0/src/transformers/models/convnextv2
 */
const HF: NamePairs = [
  ['downsample_layers.0.0.{p}', 'embeddings.patch_embeddings.{p}'],
  ['downsample_layers.0.1.{p}', 'embeddings.layernorm.{p}'],
  ['downsample_layers.{s}.{i}.{p}', 'encoder.stages.{s}.downsampling_layer.{i}.{p}'],
  ['stages.{s}.{b}.dwconv.{p}', 'encoder.stages.{s}.layers.{b}.dwconv.{p}'],
  ['stages.{s}.{b}.norm.{p}', 'encoder.stages.{s}.layers.{b}.layernorm.{p}'],
  ['stages.{s}.{b}.pwconv1.{p}', 'encoder.stages.{s}.layers.{b}.pwconv1.{p}'],
  ['stages.{s}.{b}.pwconv2.{p}', 'encoder.stages.{s}.layers.{b}.pwconv2.{p}'],
  ['stages.{s}.{b}.grn.gamma', 'encoder.stages.{s}.layers.{b}.grn.weight'],
  ['stages.{s}.{b}.grn.beta', 'encoder.stages.{s}.layers.{b}.grn.bias'],
  ['stages.{s}.{b}.gamma', 'encoder.stages.{s}.layers.{b}.layer_scale_parameter'], // V1's LayerScale
  ['norm.{p}', 'layernorm.{p}'],
  // The backbone class counts stages from 1: stage1 follows the official stages.0, whose norm is norm0 downstream.
  ['norm0.{p}', 'hidden_states_norms.stage1.{p}'],
  ['norm1.{p}', 'hidden_states_norms.stage2.{p}'],
  ['norm2.{p}', 'hidden_states_norms.stage3.{p}'],
  ['norm3.{p}', 'hidden_states_norms.stage4.{p}'],
  ['head.{p}', 'classifier.{p}'],
];

/** Official dense names and those of the sparse encoder, without its prefix `encoder.`. */
const SPARSE: NamePairs = [
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

const timm = renamesOf(TIMM);
const hf = renamesOf(HF);
const sparse = renamesOf(SPARSE);

/** Parameters of a masked autoencoder only; dropped if an encoder is loaded. */
export function isDecoderName(name: string): boolean {
  return /^(decoder\.|mask_token$|proj\.|pred\.)/.test(name);
}

/** Converts a name to the official dense name, or returns undefined if the scheme has no such name. */
export function toOfficialName(name: string, scheme: Scheme): string | undefined {
  switch (scheme) {
    case 'official':
      return name;
    case 'timm':
      return timm.from(name);
    case 'hf':
      return hf.from(name.replace(/^convnext(v2)?\./, ''));
    case 'sparse': {
      if (isDecoderName(name)) return name;
      const bare = name.replace(/^encoder\./, '');
      // An autoencoder of this library has dense names with the same prefix.
      return sparse.from(bare) ?? (sparse.to(bare) === undefined ? undefined : bare);
    }
    default:
      return scheme satisfies never;
  }
}

/**
 * Converts an official dense name to another scheme, or returns undefined if the scheme has no such name.
 *
 * @param prefixed `hf` only: names of the classification class (`convnextv2.…`) instead of the bare model's
 */
export function fromOfficialName(
  name: string,
  scheme: Scheme,
  prefixed: boolean,
): string | undefined {
  switch (scheme) {
    case 'official':
      return name;
    case 'timm':
      return timm.to(name);
    case 'hf': {
      const renamed = hf.to(name);
      const bare = !prefixed || renamed === undefined || renamed.startsWith('classifier.');
      return bare ? renamed : `convnextv2.${renamed}`;
    }
    case 'sparse': {
      if (isDecoderName(name)) return name;
      const renamed = sparse.to(name);
      return renamed === undefined ? undefined : `encoder.${renamed}`;
    }
    default:
      return scheme satisfies never;
  }
}

/** Detects the scheme of a list of names, or returns undefined if it is unknown. */
export function detectScheme(names: Iterable<string>): Scheme | undefined {
  let isOfficial = false;
  for (const name of names) {
    if (/^(encoder\.)?downsample_layers\.\d\.1\.kernel$/.test(name)) return 'sparse';
    if (/^encoder\.downsample_layers\./.test(name)) return 'sparse';
    if (name === 'stem.0.weight') return 'timm';
    if (/^(convnext(v2)?\.)?embeddings\.patch_embeddings\.weight$/.test(name)) return 'hf';
    isOfficial ||= /^(backbone\.)?downsample_layers\.0\.0\.weight$/.test(name);
  }
  return isOfficial ? 'official' : undefined;
}
