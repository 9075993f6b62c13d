import { countDecoder, countParameters, type PublishedSize } from './published-sizes.js';

/**
 * The published files: who publishes them where, under which license, what they score. Sources: the READMEs of
 * facebookresearch/ConvNeXt-V2 and facebookresearch/ConvNeXt, `configs/convnext` of mmsegmentation, and the Hugging Face
 * hub.
 */

/** Tasks of published files; `pretrain`: an encoder without head. */
export type PublishedTask = 'classify' | 'detect' | 'segment' | 'pretrain';

/** ImageNet-1K accuracy in percent. */
interface PublishedAccuracy {
  /** As reported by the authors. */
  readonly top1: number;
  /** As measured by timm on the public file, with the exact GELU. Undefined for ConvNeXt V1. */
  readonly measured: { readonly top1: number; readonly top5: number } | undefined;
}

/** A published file. */
export interface CatalogEntry {
  /** `SIZE.TAG` for V2, `convnext_SIZE.TAG` for V1, `METHOD.convnext_SIZE_DATA` for detectors and segmenters. */
  readonly name: string;
  readonly task: PublishedTask;
  /** Version of ConvNeXt. */
  readonly version: 1 | 2;
  /** Detector or segmenter; undefined for classifiers and encoders. */
  readonly method: 'Mask R-CNN' | 'Cascade Mask R-CNN' | 'UPerNet' | undefined;
  readonly size: PublishedSize;
  /** Training: `fcmae` (an encoder without head), `fcmae_ft_in1k`, `fb_in22k`, `coco`, … */
  readonly tag: string;
  readonly url: string;
  /** Name in the cache folder. */
  readonly fileName: string;
  /** Other names of the file: its own, and those of hubs. */
  readonly aliases: readonly string[];
  /** Side of a classifier's input; short side of a detector's or segmenter's test images. */
  readonly inputSizePx: number;
  /** Undefined for encoders. */
  readonly numClasses: number | undefined;
  /** SPDX identifier. */
  readonly license: License;
  /** @deprecated Same as `license`, under its former name. */
  readonly licence: License;
  /** Number of parameters in the file. */
  readonly numParameters: number;
  /** Approximate size: four bytes for each parameter. The exact sizes are not published. */
  readonly approximateBytes: number;
  /** Beginning of the SHA-256, where the publisher puts it in the file's name. */
  readonly sha256Prefix: string | undefined;
  /** Published scores in percent, by metric: `top1`, `boxAP`, `maskAP`, `mIoU`, `mIoUMultiScale`. */
  readonly scores: Readonly<Record<string, number>>;
  /** Undefined for all but classifiers. */
  readonly accuracy: PublishedAccuracy | undefined;
  /** First five logits of COCO val2017 image 000000039769, to 1e-3. Undefined for all but V2 classifiers. */
  readonly parityLogits: readonly number[] | undefined;
}

/** Licenses of the published files; the code of this library is MIT. */
export type License = 'CC-BY-NC-4.0' | 'MIT' | 'Apache-2.0';

/** License of the official weights of ConvNeXt V2. */
export const WEIGHTS_LICENSE = 'CC-BY-NC-4.0';

const META = 'https://dl.fbaipublicfiles.com/convnext/';

/** V2, fine-tuned: reported top-1, then top-1 and top-5 as measured by timm, then the logits. */
type Row = readonly [PublishedSize, number, number, number, readonly number[]];

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

/** The 26 files of ConvNeXt V2. @see https://github.com/facebookresearch/ConvNeXt-V2#results-and-pre-trained-models */
const V2: readonly CatalogEntry[] = [
  ...(['atto', 'femto', 'pico', 'nano', 'tiny', 'base', 'large', 'huge'] as const).map((size) =>
    v2(size, 'fcmae', `pt_only/convnextv2_${size}_1k_224_fcmae.pt`, 224),
  ),
  ...IN1K.map((row) =>
    v2(row[0], 'fcmae_ft_in1k', `im1k/convnextv2_${row[0]}_1k_224_ema.pt`, 224, row),
  ),
  ...IN22K_224.map((row) =>
    v2(row[0], 'fcmae_ft_in22k_in1k', `im22k/convnextv2_${row[0]}_22k_224_ema.pt`, 224, row),
  ),
  ...IN22K_384.map((row) =>
    v2(row[0], 'fcmae_ft_in22k_in1k_384', `im22k/convnextv2_${row[0]}_22k_384_ema.pt`, 384, row),
  ),
  ...IN22K_512.map((row) =>
    v2(row[0], 'fcmae_ft_in22k_in1k_512', `im22k/convnextv2_${row[0]}_22k_512_ema.pt`, 512, row),
  ),
];

function v2(
  size: PublishedSize,
  tag: string,
  path: string,
  inputSizePx: number,
  row?: Row,
): CatalogEntry {
  const fileName = fileOf(path);
  const data = tag === 'fcmae_ft_in1k' ? '1k' : '22k';
  const hub = row ? [`convnextv2-${size}-${data}-${inputSizePx}`] : [];
  return entry({
    name: `${size}.${tag}`,
    task: row ? 'classify' : 'pretrain',
    version: 2,
    size,
    tag,
    fileName,
    inputSizePx,
    numClasses: row && 1000,
    url: `${META}convnextv2/${path}`,
    aliases: [`convnextv2_${size}.${tag}`, ...ownNames(fileName), ...hub],
    license: WEIGHTS_LICENSE,
    numParameters: countParameters(2, size, row && 1000) + (row ? 0 : countDecoder(size)),
    scores: row ? { top1: row[1] } : {},
    accuracy: row && { top1: row[1], measured: { top1: row[2], top5: row[3] } },
    parityLogits: row?.[4],
  });
}

/** V1: tag, size, file, side in pixels, reported top-1 (undefined with the 21,841 classes of ImageNet-22K). */
const V1_ROWS: readonly (readonly [string, PublishedSize, string, number, number | undefined])[] = [
  ['fb_in1k', 'tiny', 'convnext_tiny_1k_224_ema.pth', 224, 82.1],
  ['fb_in1k', 'small', 'convnext_small_1k_224_ema.pth', 224, 83.1],
  ['fb_in1k', 'base', 'convnext_base_1k_224_ema.pth', 224, 83.8],
  ['fb_in1k_384', 'base', 'convnext_base_1k_384.pth', 384, 85.1],
  ['fb_in1k', 'large', 'convnext_large_1k_224_ema.pth', 224, 84.3],
  ['fb_in1k_384', 'large', 'convnext_large_1k_384.pth', 384, 85.5],
  ['fb_in22k', 'tiny', 'convnext_tiny_22k_224.pth', 224, undefined],
  ['fb_in22k', 'small', 'convnext_small_22k_224.pth', 224, undefined],
  ['fb_in22k', 'base', 'convnext_base_22k_224.pth', 224, undefined],
  ['fb_in22k', 'large', 'convnext_large_22k_224.pth', 224, undefined],
  ['fb_in22k', 'xlarge', 'convnext_xlarge_22k_224.pth', 224, undefined],
  ['fb_in22k_ft_in1k', 'tiny', 'convnext_tiny_22k_1k_224.pth', 224, 82.9],
  ['fb_in22k_ft_in1k', 'small', 'convnext_small_22k_1k_224.pth', 224, 84.6],
  ['fb_in22k_ft_in1k', 'base', 'convnext_base_22k_1k_224.pth', 224, 85.8],
  ['fb_in22k_ft_in1k', 'large', 'convnext_large_22k_1k_224.pth', 224, 86.6],
  ['fb_in22k_ft_in1k', 'xlarge', 'convnext_xlarge_22k_1k_224_ema.pth', 224, 87.0],
  ['fb_in22k_ft_in1k_384', 'tiny', 'convnext_tiny_22k_1k_384.pth', 384, 84.1],
  ['fb_in22k_ft_in1k_384', 'small', 'convnext_small_22k_1k_384.pth', 384, 85.8],
  ['fb_in22k_ft_in1k_384', 'base', 'convnext_base_22k_1k_384.pth', 384, 86.8],
  ['fb_in22k_ft_in1k_384', 'large', 'convnext_large_22k_1k_384.pth', 384, 87.5],
  ['fb_in22k_ft_in1k_384', 'xlarge', 'convnext_xlarge_22k_1k_384_ema.pth', 384, 87.8],
];

/** Classifiers of ConvNeXt V1, named as in timm. @see https://github.com/facebookresearch/ConvNeXt */
const V1: readonly CatalogEntry[] = V1_ROWS.map(([tag, size, fileName, inputSizePx, top1]) => {
  const numClasses = top1 === undefined ? 21_841 : 1000;
  return entry({
    name: `convnext_${size}.${tag}`,
    task: 'classify',
    version: 1,
    size,
    tag,
    url: META + fileName,
    fileName,
    inputSizePx,
    numClasses,
    license: 'MIT',
    aliases: ownNames(fileName),
    numParameters: countParameters(1, size, numClasses),
    scores: top1 === undefined ? {} : { top1 },
    accuracy: top1 === undefined ? undefined : { top1, measured: undefined },
  });
});

/**
 * Detectors: size, pre-training, file, parameters, box AP, mask AP.
 *
 * @see https://github.com/facebookresearch/ConvNeXt/tree/main/object_detection
 */
const COCO_ROWS: readonly (readonly [
  PublishedSize,
  '' | '_in22k',
  string,
  number,
  number,
  number,
])[] = [
  ['tiny', '', 'mask_rcnn_convnext_tiny_1k_3x.pth', 48_095_376, 46.2, 41.7],
  ['tiny', '', 'cascade_mask_rcnn_convnext_tiny_1k_3x.pth', 85_930_578, 50.4, 43.7],
  ['small', '', 'cascade_mask_rcnn_convnext_small_1k_3x.pth', 107_565_138, 51.9, 45.0],
  ['base', '', 'cascade_mask_rcnn_convnext_base_1k_3x.pth', 145_800_242, 52.7, 45.6],
  ['base', '_in22k', 'cascade_mask_rcnn_convnext_base_22k_3x.pth', 145_800_242, 54.0, 46.9],
  ['large', '_in22k', 'cascade_mask_rcnn_convnext_large_22k_3x.pth', 254_710_770, 54.8, 47.6],
  ['xlarge', '_in22k', 'cascade_mask_rcnn_convnext_xlarge_22k_3x.pth', 406_875_058, 55.2, 47.7],
];

const DETECTORS: readonly CatalogEntry[] = COCO_ROWS.map(
  ([size, data, fileName, numParameters, boxAP, maskAP]) => {
    const isCascade = fileName.startsWith('cascade');
    const tag = `${size}${data}_coco`;
    const name = `${isCascade ? 'cascade-mask-rcnn' : 'mask-rcnn'}.convnext_${tag}`;
    return entry({
      task: 'detect',
      version: 1,
      license: 'MIT',
      name,
      size,
      tag,
      numParameters,
      method: isCascade ? 'Cascade Mask R-CNN' : 'Mask R-CNN',
      url: `${META}coco/${fileName}`,
      fileName,
      inputSizePx: 800,
      numClasses: 80,
      aliases: [`${name}_3x`, ...ownNames(fileName)],
      scores: { boxAP, maskAP },
    });
  },
);

/** Parameters of UPerNet on ADE20K by size. */
const UPERNET_PARAMETERS = {
  tiny: 60_242_636,
  small: 81_877_196,
  base: 122_102_956,
  large: 234_994_796,
  xlarge: 391_140_396,
};

/** File of mmsegmentation: date and beginning of the SHA-256, as in its name. */
interface OpenMmlab {
  readonly date: string;
  readonly sha256: string;
}

type SegmenterRow = readonly [
  size: keyof typeof UPERNET_PARAMETERS,
  pretraining: '' | '_in22k',
  side: 512 | 640,
  mIoU: number,
  mIoUMultiScale: number,
  openMmlab?: OpenMmlab,
];

/**
 * Segmenters: size, pre-training, side of the crops, mIoU at one scale and at several scales with flips; last row by row
 * those that mmsegmentation trained, of which the Hugging Face hub has copies.
 *
 * @see https://github.com/facebookresearch/ConvNeXt/tree/main/semantic_segmentation
 * @see https://github.com/open-mmlab/mmsegmentation/tree/v1.2.2/configs/convnext
 */
const ADE20K_ROWS: readonly SegmenterRow[] = [
  ['tiny', '', 512, 46.0, 46.7],
  ['small', '', 512, 48.7, 49.6],
  ['base', '', 512, 49.1, 49.9],
  ['base', '_in22k', 640, 52.6, 53.1],
  ['large', '_in22k', 640, 53.2, 53.7],
  ['xlarge', '_in22k', 640, 53.6, 54.0],
  ['tiny', '', 512, 46.11, 46.62, { date: '20220227_124553', sha256: 'cad485de' }],
  ['small', '', 512, 48.56, 49.02, { date: '20220227_131208', sha256: '1b1e394f' }],
  ['base', '', 512, 48.71, 49.54, { date: '20220227_181227', sha256: '02a24fc6' }],
  ['base', '_in22k', 640, 52.13, 52.66, { date: '20220227_182859', sha256: '9280e39b' }],
  ['large', '_in22k', 640, 53.16, 53.38, { date: '20220226_040532', sha256: 'e57aa54d' }],
  ['xlarge', '_in22k', 640, 53.58, 54.11, { date: '20220226_080344', sha256: '95fc38c2' }],
];

const SEGMENTERS: readonly CatalogEntry[] = ADE20K_ROWS.flatMap(
  ([size, data, side, mIoU, mIoUMultiScale, openMmlab]) => {
    const tag = `${size}${data}_ade20k${side === 640 ? '_640' : ''}`;
    const name = `upernet.convnext_${tag}`;
    const common = {
      task: 'segment',
      version: 1,
      method: 'UPerNet',
      size,
      inputSizePx: side,
      numClasses: 150,
      numParameters: UPERNET_PARAMETERS[size],
      scores: { mIoU, mIoUMultiScale },
    } as const;
    if (!openMmlab) {
      const pretraining = data === '' ? '1k' : '22k';
      const fileName = `upernet_convnext_${size}_${pretraining}_${side}x${side}.pth`;
      const url = `${META}ade20k/${fileName}`;
      const aliases = ownNames(fileName);
      return [entry({ ...common, name, tag, url, fileName, aliases, license: 'MIT' })];
    }
    const { date, sha256 } = openMmlab;
    const folder = `upernet_convnext_${size}_fp16_${side}x${side}_160k_ade20k`;
    const fileName = `${folder}_${date}-${sha256}.pth`;
    const zoo = entry({
      ...common,
      name: `${name}_openmmlab`,
      tag: `${tag}_openmmlab`,
      license: 'Apache-2.0',
      url: `https://download.openmmlab.com/mmsegmentation/v0.5/convnext/${folder}/${fileName}`,
      fileName,
      aliases: ownNames(fileName),
      sha256Prefix: sha256,
    });
    // The hub's Base is the one of 512 pixels.
    const onHub = !(size === 'base' && side === 640);
    const model = `upernet-convnext-${size}`;
    const hub = entry({
      ...common,
      name: `${name}_hf`,
      tag: `${tag}_hf`,
      license: 'MIT',
      url: `https://huggingface.co/openmmlab/${model}/resolve/main/pytorch_model.bin`,
      fileName: `${model}-pytorch_model.bin`,
      aliases: [model],
    });
    return onHub ? [zoo, hub] : [zoo];
  },
);

/** All published files that have a name. */
export const CATALOG: readonly CatalogEntry[] = [...V2, ...V1, ...DETECTORS, ...SEGMENTERS];

/** @deprecated Former name of {@link CATALOG}. */
export const CATALOGUE = CATALOG;

/** @deprecated Former name of {@link CatalogEntry}. */
export type CatalogueEntry = CatalogEntry;

type Optional = 'method' | 'sha256Prefix' | 'accuracy' | 'parityLogits';

function entry(
  given: Omit<CatalogEntry, Optional | 'licence' | 'approximateBytes'> &
    Partial<Pick<CatalogEntry, Optional>>,
): CatalogEntry {
  return {
    method: undefined,
    sha256Prefix: undefined,
    accuracy: undefined,
    parityLogits: undefined,
    ...given,
    licence: given.license,
    approximateBytes: 4 * given.numParameters,
  };
}

function fileOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function ownNames(fileName: string): readonly string[] {
  return [fileName, fileName.replace(/\.\w+$/, '')];
}
