import { basename, dirname } from 'node:path';
import { sameShape } from '../core/shape.js';
import { evaluationResize, type EvaluationResize } from '../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS, type PixelStats } from '../datasets/transforms/normalize.js';
import type { ModelConfig } from '../io/model-config/model-config.js';
import { readModelConfig } from '../io/model-config/read.js';
import type { WeightsSummary } from '../weights/verify.js';

/** Preprocessing, norms and classes of a file without model card, as its origin states them. */
export type Origin = Omit<ModelConfig, 'file' | 'depths' | 'dims'>;

/** Statistics of OpenAI's CLIP, which LAION's networks and their fine-tuned classifiers share. */
const CLIP: Origin = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
  inputSize: 256,
  cropFraction: 1,
};

/** Mean and standard deviation of the smallest networks of timm. */
const HALF = [0.5, 0.5, 0.5];

/**
 * Preprocessing by the name of a network: the first rule that matches. Sizes that a name gives (`_384`, `r384`) come on
 * top.
 *
 * @see https://github.com/huggingface/pytorch-image-models/blob/v1.0.15/timm/models/convnext.py, default_cfgs
 */
const BY_NAME: readonly (readonly [RegExp, Origin])[] = [
  [/clip[_.-]|laion/, CLIP],
  [/dinov3/, { inputSize: 224, cropFraction: 1 }],
  [/eupe/, { inputSize: 256, cropFraction: 1 }],
  [/zepto_rms_ols/, { mean: HALF, std: HALF, cropFraction: 0.9 }],
  [/zepto/, { mean: HALF, std: HALF }],
  [/in12k|d1h|pico_ols|hnf/, { cropFraction: 0.95 }],
];

/** From this size on, networks see the whole image, and most see it warped to the square. */
const WHOLE_FROM = 384;

/** Networks of that size and more whose images are cropped, not warped. */
const CROPPED = /r384|clip_laiona/;

/** Short side in pixels that torchvision resizes to, by size of the network, before the crop of 224. */
const TORCHVISION_SIDES: Readonly<Record<string, number>> = {
  tiny: 236,
  small: 230,
  base: 232,
  large: 232,
};

/** Epsilon of the norm before the head in transformers' ConvNeXt. */
const TRANSFORMERS_EPS = 1e-12;

/**
 * Finds the origin of a weight file from the configuration beside it, else from its name and its naming scheme.
 *
 * @throws WeightsError if the configuration is damaged
 */
export function originOf(
  file: string,
  { scheme, architecture }: Pick<WeightsSummary, 'scheme' | 'architecture'>,
): Origin {
  const { depths, dims, numClasses, size } = architecture;
  const byScheme: Origin =
    scheme === 'hf'
      ? { headNormEps: TRANSFORMERS_EPS }
      : scheme === 'torchvision'
        ? torchvisionOrigin(size)
        : scheme === 'hf-dinov3'
          ? { inputSize: 224, cropFraction: 1, mode: 'warp' }
          : {};
  const config = configOf(file, { depths, dims, numClasses });
  if (config) return { ...byScheme, ...config };
  return { ...byScheme, ...originByName(nameOf(file)) };
}

/**
 * Reads the configuration beside a weight file, if it is that of the network in it.
 *
 * @throws WeightsError if the configuration is damaged
 */
export function configOf(
  file: string,
  network: {
    readonly depths: readonly number[];
    readonly dims: readonly number[];
    readonly numClasses: number | undefined;
  },
): Origin | undefined {
  const config = readModelConfig(file);
  if (!config) return undefined;
  const { file: _, depths = network.depths, dims = network.dims, labels, ...origin } = config;
  if (!sameShape(depths, network.depths) || !sameShape(dims, network.dims)) return undefined;
  return defined({ ...origin, labels: labels?.length === network.numClasses ? labels : undefined });
}

/** Origin of a classifier of torchvision. @see https://docs.pytorch.org/vision/stable/models/convnext.html */
function torchvisionOrigin(size: string | undefined): Origin {
  const side = TORCHVISION_SIDES[size ?? ''];
  if (side === undefined) return {};
  return { inputSize: 224, cropFraction: 224 / side, mode: 'crop', filter: 'bilinear' };
}

/** Preprocessing of a network by its name, as timm writes it (`convnext_base.clip_laion2b_augreg_ft_in12k_in1k_384`). */
export function originByName(name: string): Origin {
  const text = name.toLowerCase();
  const origin = BY_NAME.find(([pattern]) => pattern.test(text))?.[1] ?? {};
  const side = Number(/(?:^|[_.-])r?(224|256|288|320|384|512)(?=$|[_.-])/.exec(text)?.[1] ?? NaN);
  if (Number.isNaN(side)) return origin;
  if (side < WHOLE_FROM) return { ...origin, inputSize: side };
  const mode = CROPPED.test(text) ? 'crop' : 'warp';
  return { ...origin, inputSize: side, cropFraction: 1, mode };
}

/** Name of the network of a file: the file's, or that of its folder on the Hugging Face hub. */
function nameOf(file: string): string {
  const parts = [basename(file).replace(/\.(safetensors|bin|pth|pt|ckpt|tar)$/, '')];
  for (let folder = dirname(file), i = 0; i < 3; i++, folder = dirname(folder))
    parts.push(basename(folder));
  return parts.find((part) => /convnext/i.test(part)) ?? '';
}

/** Mean and standard deviation of the origin, or ImageNet's. */
export function pixelsOf({ mean, std }: Origin): PixelStats {
  return mean && std ? ({ mean, std } as PixelStats) : IMAGENET_PIXELS;
}

/**
 * Resize of a classifier's images.
 *
 * @param size side of the input in pixels instead of the origin's
 */
export function resizeOf(origin: Origin, size?: number): EvaluationResize {
  const side = size ?? origin.inputSize ?? 224;
  const resize = evaluationResize(side, origin.cropFraction);
  const isOwnSize = origin.inputSize === undefined || side === origin.inputSize;
  return {
    ...resize,
    mode: (isOwnSize ? origin.mode : undefined) ?? resize.mode,
    filter: origin.filter ?? resize.filter,
    cropOffset: origin.cropOffset,
  };
}

function defined<T extends object>(record: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
