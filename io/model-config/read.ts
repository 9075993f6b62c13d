import { dirname, join } from 'node:path';
import { WeightsMismatchError } from '../../core/errors.js';
import { isRecord, numberOf } from '../../core/foreign-value.js';
import * as t from '../../core/schema.js';
import { readJsonIfPresent } from '../files/json.js';
import { compileSchema, formatProblems } from '../schema.js';
import type { ModelConfig } from './model-config.js';
import { assertGelu, fromTimm, TimmConfig } from './timm.js';

/** `config.json` of transformers. */
const Transformers = t.withUnknownFields(
  t.record({
    model_type: t.optional(t.TEXT),
    depths: t.optional(t.orNull(t.list(t.whole(1)))),
    hidden_sizes: t.optional(t.orNull(t.list(t.whole(1)))),
    id2label: t.optional(
      t.orNull<Readonly<Record<string, string>>>({
        type: 'object',
        additionalProperties: { type: 'string' },
      } as t.Schema<Readonly<Record<string, string>>>),
    ),
    layer_norm_eps: t.optional(t.orNull(t.POSITIVE)),
    pool_scales: t.optional(t.orNull(t.list(t.whole(1, 2 ** 10)))),
    hidden_act: t.optional(t.orNull(t.TEXT)),
    image_size: t.optional(t.orNull(t.number())),
    backbone_config: t.optional(t.orNull<object>({ type: 'object' } as t.Schema<object>)),
  }),
);
type Transformers = t.Infer<typeof Transformers>;

/** `preprocessor_config.json` of transformers. */
const Preprocessor = t.withUnknownFields(
  t.record({
    image_mean: t.optional(t.orNull(t.list(t.number(), 3))),
    image_std: t.optional(t.orNull(t.list(t.POSITIVE, 3))),
    do_normalize: t.optional(t.orNull(t.FLAG)),
    do_resize: t.optional(t.orNull(t.FLAG)),
    do_center_crop: t.optional(t.orNull(t.FLAG)),
    crop_pct: t.optional(t.orNull(t.number({ above: 0, to: 1 }))),
    rescale_factor: t.optional(t.orNull(t.POSITIVE)),
    resample: t.optional(t.orNull(t.number())),
  }),
);
type Preprocessor = t.Infer<typeof Preprocessor> & {
  readonly size?: unknown;
  readonly crop_size?: unknown;
};

/** Types of transformers' models whose configuration is used. */
const MODEL_TYPES = ['convnext', 'convnextv2', 'dinov3_convnext', 'upernet'];

/** From this size on, transformers' ConvNeXt processors warp instead of cropping. */
const WARP_FROM = 384;

/** Pillow's numbers of filters. */
const FILTERS: Readonly<Record<number, 'bicubic' | 'bilinear'>> = { 2: 'bilinear', 3: 'bicubic' };

/** Whether timm's name of an architecture is one of ours; a foreign file may have anything there. */
const isConvnext = (name: unknown): boolean =>
  typeof name === 'string' && name.startsWith('convnext');

/**
 * Reads the configuration beside a weight file: `config.json` and `preprocessor_config.json` of transformers, or timm's
 * `config.json`. Undefined if there is none, or that of another model.
 *
 * @throws WeightsError if it is damaged
 */
export function readModelConfig(weightFile: string): ModelConfig | undefined {
  const file = join(dirname(weightFile), 'config.json');
  const json = readJson(file);
  if (json === undefined) return undefined;
  if ('pretrained_cfg' in json || isConvnext(json['architecture']))
    return fromTimm(file, checked(file, json, TimmConfig));
  if (MODEL_TYPES.every((type) => type !== json['model_type'])) return undefined;
  const config = checked(file, json, Transformers);
  const preprocessorFile = join(dirname(weightFile), 'preprocessor_config.json');
  const preprocessor = readJson(preprocessorFile);
  return {
    ...fromTransformers(file, config),
    ...(preprocessor
      ? fromPreprocessor(preprocessorFile, checked(preprocessorFile, preprocessor, Preprocessor))
      : sizeOf(config)),
  };
}

function readJson(file: string): Readonly<Record<string, unknown>> | undefined {
  const json = readJsonIfPresent(file, 'a configuration', WeightsMismatchError);
  return isRecord(json) ? json : undefined;
}

function checked<T>(file: string, json: object, schema: t.Schema<T>): T {
  const problems = compileSchema(schema)(json);
  if (problems.length > 0) throw WeightsMismatchError.in(file, formatProblems(problems));
  return json as T;
}

function fromTransformers(file: string, config: Transformers): ModelConfig {
  const backbone = config.backbone_config
    ? checked(`${file}#backbone_config`, config.backbone_config, Transformers)
    : config;
  const isDinov3 = config.model_type === 'dinov3_convnext';
  const eps = config.layer_norm_eps ?? undefined;
  assertGelu(file, 'hidden_act', backbone.hidden_act);
  return {
    file,
    depths: backbone.depths ?? undefined,
    dims: backbone.hidden_sizes ?? undefined,
    labels: labelsOf(config.id2label),
    normEps: isDinov3 ? eps : undefined,
    poolScales: config.pool_scales ?? undefined,
    headNormEps: isDinov3 ? undefined : eps,
  };
}

/** Names by class index; undefined where transformers made them up (`LABEL_0`). */
function labelsOf(labels: Transformers['id2label']): readonly string[] | undefined {
  if (!labels) return undefined;
  const names = Object.keys(labels).map((_, index) => labels[String(index)]);
  const isNamed = names.every((name) => name !== undefined && name !== '');
  return isNamed && !names.every((name) => /^LABEL_\d+$/.test(name)) ? names : undefined;
}

function sizeOf({ image_size: size }: Transformers): Partial<ModelConfig> {
  return { inputSize: size ?? undefined };
}

function fromPreprocessor(file: string, json: Preprocessor): Partial<ModelConfig> {
  const { image_mean: mean, image_std: std, rescale_factor: rescale, resample } = json;
  if (rescale !== undefined && rescale !== null && Math.abs(rescale * 255 - 1) > 1e-3)
    throw WeightsMismatchError.in(file, `rescale_factor: expected 1/255, got ${rescale}`);
  if (json.do_resize === false)
    throw WeightsMismatchError.in(file, 'do_resize: expected true, got false');
  if (typeof resample === 'number' && FILTERS[resample] === undefined)
    throw WeightsMismatchError.in(
      file,
      `resample: expected 2 (bilinear) or 3 (bicubic), got ${resample}`,
    );
  const isNormalized = json.do_normalize !== false;
  return {
    mean: isNormalized ? (mean ?? undefined) : [0, 0, 0],
    std: isNormalized ? (std ?? undefined) : [1, 1, 1],
    filter: FILTERS[resample ?? 3],
    cropOffset: 'floor',
    ...geometryOf(json),
  };
}

/** Resize and crop of transformers' processors: ConvNeXt's (`shortest_edge`), others' (`height`, `width`, `crop_size`). */
function geometryOf(json: Preprocessor): Partial<ModelConfig> {
  const { size, crop_size: crop, crop_pct: fraction, do_center_crop: crops } = json;
  const sides = (typeof size === 'object' ? size : { shortest_edge: size }) as Readonly<
    Record<string, unknown>
  > | null;
  const height = numberOf(sides?.['height']);
  if (height > 0 && height === numberOf(sides?.['width']) && crops !== true)
    return { inputSize: height, mode: 'warp', cropFraction: 1 };
  const short = numberOf(sides?.['shortest_edge']);
  if (!(Number.isInteger(short) && short > 0)) return {};
  const cropped = numberOf(
    typeof crop === 'object' ? (crop as { height?: unknown } | null)?.height : crop,
  );
  if (crops === true && Number.isInteger(cropped) && cropped > 0 && cropped <= short)
    return { inputSize: cropped, mode: 'crop', cropFraction: cropped / short };
  return short < WARP_FROM
    ? { inputSize: short, mode: 'crop', cropFraction: fraction ?? 224 / 256 }
    : { inputSize: short, mode: 'warp', cropFraction: 1 };
}
