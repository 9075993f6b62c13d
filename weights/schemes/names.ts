import { renamesOf, type NamePairs } from './name-map.js';
import {
  HUGGING_FACE,
  HUGGING_FACE_DINOV3,
  OFFICIAL,
  OPENMMLAB,
  SPARSE,
  TIMM,
  TORCHVISION,
  withoutUnderscores,
} from './tables.js';

/**
 * Naming schemes that are read and written: `official` (facebookresearch/ConvNeXt-V2), `sparse` (its FCMAE encoder on
 * MinkowskiEngine), `timm`, `hf` (transformers). Official names are this library's parameter paths.
 */
export type Scheme = 'official' | 'sparse' | 'timm' | 'hf';

/** All naming schemes that are read: also OpenMMLab, torchvision and transformers' DINOv3 classes. */
export type SourceScheme = Scheme | 'openmmlab' | 'torchvision' | 'hf-dinov3';

/** A naming scheme of the encoder and the classifier. */
interface NamingScheme {
  /** Name for messages. */
  readonly title: string;
  readonly pairs: NamePairs;
  /** Weight of the first convolution, by which a network is found. */
  readonly stem: string;
}

/** All naming schemes. Schemes with the same stem are told apart by other names, see {@link findNetworks}. */
export const SCHEMES: Readonly<Record<SourceScheme, NamingScheme>> = {
  official: { title: 'official', pairs: OFFICIAL, stem: 'downsample_layers.0.0.weight' },
  openmmlab: { title: 'OpenMMLab', pairs: OPENMMLAB, stem: 'downsample_layers.0.0.weight' },
  sparse: { title: 'sparse FCMAE', pairs: SPARSE, stem: 'downsample_layers.0.0.weight' },
  timm: { title: 'timm', pairs: TIMM, stem: 'stem.0.weight' },
  hf: { title: 'Hugging Face', pairs: HUGGING_FACE, stem: 'embeddings.patch_embeddings.weight' },
  'hf-dinov3': {
    title: 'Hugging Face DINOv3',
    pairs: HUGGING_FACE_DINOV3,
    stem: 'stages.0.downsample_layers.0.weight',
  },
  torchvision: { title: 'torchvision', pairs: TORCHVISION, stem: 'features.0.0.weight' },
};

const RENAMES = Object.fromEntries(
  Object.entries(SCHEMES).map(([scheme, { pairs }]) => [scheme, renamesOf(pairs)]),
) as Readonly<Record<SourceScheme, ReturnType<typeof renamesOf>>>;

/** Parameters of a masked autoencoder only; dropped if an encoder is loaded. */
export function isDecoderName(name: string): boolean {
  return /^(decoder\.|mask_token$|proj\.|pred\.)/.test(name);
}

/**
 * Converts a name to the official dense name, or returns undefined if the scheme has no such name.
 *
 * @param name without the prefix of the network, except `convnextv2.` and `convnext.` (`hf`) and `encoder.` (`sparse`)
 */
export function toOfficialName(name: string, scheme: SourceScheme): string | undefined {
  switch (scheme) {
    case 'timm':
      return RENAMES.timm.from(withoutUnderscores(name));
    case 'hf':
      return RENAMES.hf.from(name.replace(/^convnext(v2)?\./, ''));
    case 'sparse': {
      if (isDecoderName(name)) return name;
      const bare = name.replace(/^encoder\./, '');
      // An autoencoder of this library has dense names with the same prefix.
      const { from, to } = RENAMES.sparse;
      return from(bare) ?? (to(bare) === undefined ? undefined : bare);
    }
    default:
      return RENAMES[scheme].from(name);
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
      return RENAMES.timm.to(name);
    case 'hf': {
      const renamed = RENAMES.hf.to(name);
      const bare = !prefixed || renamed === undefined || renamed.startsWith('classifier.');
      return bare ? renamed : `convnextv2.${renamed}`;
    }
    case 'sparse': {
      if (isDecoderName(name)) return name;
      const renamed = RENAMES.sparse.to(name);
      return renamed === undefined ? undefined : `encoder.${renamed}`;
    }
    default:
      return scheme satisfies never;
  }
}

/** Place of a network among names. */
export interface FoundNetwork {
  readonly scheme: SourceScheme;
  /** Text before the names of the encoder, empty or with a dot at its end. */
  readonly prefix: string;
}

/** Names by which schemes with the stem of the official one are recognized, after the prefix. */
const SPARSE_NAME = /^downsample_layers\.\d\.1\.kernel$/;
const OPENMMLAB_NAME = /^stages\.\d+\.\d+\.(depthwise_conv|pointwise_conv\d)\./;

/** Finds the networks among names: every stem of a scheme, with what precedes it. */
export function findNetworks(names: Iterable<string>): readonly FoundNetwork[] {
  const all = [...names];
  const found: FoundNetwork[] = [];
  for (const name of all) {
    const bare = name.replace(/(^|\.)stem_0\.weight$/, '$1stem.0.weight');
    for (const scheme of ['hf-dinov3', 'official', 'timm', 'hf', 'torchvision'] as const) {
      const { stem } = SCHEMES[scheme];
      if (bare !== stem && !bare.endsWith(`.${stem}`)) continue;
      const prefix = bare.slice(0, bare.length - stem.length);
      found.push({ scheme: scheme === 'official' ? schemeAt(all, prefix) : scheme, prefix });
      break;
    }
  }
  return found;
}

/** Scheme of a network with the official stem. */
function schemeAt(names: readonly string[], prefix: string): SourceScheme {
  const outer = prefix.endsWith('encoder.') ? prefix.slice(0, -'encoder.'.length) : undefined;
  for (const name of names) {
    if (name.startsWith(prefix)) {
      const bare = name.slice(prefix.length);
      if (SPARSE_NAME.test(bare)) return 'sparse';
      if (OPENMMLAB_NAME.test(bare)) return 'openmmlab';
    }
    const isBeside = outer !== undefined && name.startsWith(outer);
    if (isBeside && isDecoderName(name.slice(outer.length))) return 'sparse';
  }
  return 'official';
}
