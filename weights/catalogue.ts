import { SIZES, type SizeName } from './architecture.js';

/** Training of an official file. `fcmae` files contain an encoder without head. */
type WeightsTag =
  | 'fcmae'
  | 'fcmae_ft_in1k'
  | 'fcmae_ft_in22k_in1k'
  | 'fcmae_ft_in22k_in1k_384'
  | 'fcmae_ft_in22k_in1k_512';

/** ImageNet-1K accuracy in percent. */
interface PublishedAccuracy {
  /** As reported by the authors. */
  readonly top1: number;
  /** As measured by timm on the public file, with the exact GELU. */
  readonly measured: { readonly top1: number; readonly top5: number };
}

/** An official file, published by the authors. */
export interface CatalogueEntry {
  /** `SIZE.TAG`, e.g. `tiny.fcmae_ft_in1k`. */
  readonly name: string;
  readonly size: SizeName;
  readonly tag: WeightsTag;
  readonly url: string;
  /** Name in the cache folder: the last component of the URL. */
  readonly fileName: string;
  readonly inputSizePx: number;
  /** Undefined for encoders. */
  readonly numClasses: number | undefined;
  readonly licence: typeof WEIGHTS_LICENSE;
  /** Undefined for encoders. */
  readonly accuracy: PublishedAccuracy | undefined;
  /** First five logits of COCO val2017 image 000000039769, to 1e-3. Undefined for encoders. */
  readonly parityLogits: readonly number[] | undefined;
}

/** License of all official weights; the code of this library is MIT. */
export const WEIGHTS_LICENSE = 'CC-BY-NC-4.0';

const BASE_URL = 'https://dl.fbaipublicfiles.com/convnext/convnextv2/';

/** Reported top-1, then top-1 and top-5 as measured by timm, then the logits. */
type Row = readonly [SizeName, number, number, number, readonly number[]];

const IN1K: readonly Row[] = [
  ['atto', 76.7, 76.644, 93.042, [-0.393, 0.1747, -0.5246, 0.4177, 0.4295]],
  ['femto', 78.5, 78.476, 93.984, [-0.1727, -0.5341, -0.7818, -0.4745, -0.6566]],
  ['pico', 80.3, 80.304, 95.082, [-0.0333, 0.1563, -0.9137, 0.1054, 0.0381]],
  ['nano', 81.9, 81.856, 95.74, [-0.1744, -0.1555, -0.0713, 0.095, -0.1431]],
  ['tiny', 83.0, 82.948, 96.286, [0.9996, 0.1966, -0.4386, -0.3472, 0.6661]],
  ['base', 84.9, 84.89, 97.088, [-0.2553, -0.6708, -0.1359, 0.2518, -0.2488]],
  ['large', 85.8, 85.762, 97.574, [-0.0673, -0.5627, -0.3753, -0.2722, 0.0178]],
  ['huge', 86.3, 86.26, 97.752, [-0.6377, -0.7458, -0.215, 0.1184, -0.0597]],
];

const IN22K_224: readonly Row[] = [
  ['nano', 82.1, 82.038, 96.174, [1.0799, 0.2322, -0.886, 1.0219, 0.6231]],
  ['tiny', 83.9, 83.904, 96.964, [0.422, -0.6919, -0.4317, -0.2881, -0.6609]],
  ['base', 86.8, 86.752, 98.02, [-0.2419, -0.6221, 0.2176, -0.098, -0.7527]],
  ['large', 87.3, 87.266, 98.24, [-0.0504, 0.5636, -0.1729, -0.6507, -0.3949]],
];

const IN22K_384: readonly Row[] = [
  ['nano', 83.4, 83.366, 96.74, [0.3766, 0.4917, -1.1426, 0.9942, 0.6024]],
  ['tiny', 85.1, 85.098, 97.632, [0.1082, -0.8286, -0.5095, 0.4681, -0.8085]],
  ['base', 87.7, 87.638, 98.416, [0.0391, -0.4371, 0.3786, 0.1251, -0.2784]],
  ['large', 88.2, 88.18, 98.52, [0.356, 0.9486, 0.3149, -0.2667, -0.5138]],
  ['huge', 88.7, 88.666, 98.734, [-0.2469, -0.455, -0.5853, -0.081, 0.0309]],
];

const IN22K_512: readonly Row[] = [
  ['huge', 88.9, 88.86, 98.74, [-0.309, 0.0802, -0.0682, -0.1979, -0.2826]],
];

/**
 * The 26 files of the official README.
 *
 * @see https://github.com/facebookresearch/ConvNeXt-V2#results-and-pre-trained-models
 */
export const CATALOGUE: readonly CatalogueEntry[] = [
  ...(Object.keys(SIZES) as SizeName[]).map((size) =>
    entry(size, 'fcmae', `pt_only/convnextv2_${size}_1k_224_fcmae.pt`, 224),
  ),
  ...IN1K.map((row) =>
    entry(row[0], 'fcmae_ft_in1k', `im1k/convnextv2_${row[0]}_1k_224_ema.pt`, 224, row),
  ),
  ...IN22K_224.map((row) =>
    entry(row[0], 'fcmae_ft_in22k_in1k', `im22k/convnextv2_${row[0]}_22k_224_ema.pt`, 224, row),
  ),
  ...IN22K_384.map((row) =>
    entry(row[0], 'fcmae_ft_in22k_in1k_384', `im22k/convnextv2_${row[0]}_22k_384_ema.pt`, 384, row),
  ),
  ...IN22K_512.map((row) =>
    entry(row[0], 'fcmae_ft_in22k_in1k_512', `im22k/convnextv2_${row[0]}_22k_512_ema.pt`, 512, row),
  ),
];

function entry(
  size: SizeName,
  tag: WeightsTag,
  path: string,
  inputSizePx: number,
  row?: Row,
): CatalogueEntry {
  return {
    name: `${size}.${tag}`,
    size,
    tag,
    url: BASE_URL + path,
    fileName: path.slice(path.lastIndexOf('/') + 1),
    inputSizePx,
    numClasses: row && 1000,
    licence: WEIGHTS_LICENSE,
    accuracy: row && { top1: row[1], measured: { top1: row[2], top5: row[3] } },
    parityLogits: row?.[4],
  };
}
