import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import type { GrnVariant } from '../../backbone/grn-variant.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { ConfigError } from '../../core/errors.js';
import { decodeImage } from '../../io/image/decode.js';
import { encodeRgbPng } from '../../io/png/write.js';
import { evaluationResize, resizeForEvaluation } from '../../datasets/transforms/evaluation.js';
import {
  IMAGENET_PIXELS,
  normalizationTable,
  normalizeInto,
} from '../../datasets/transforms/normalize.js';
import type { EngineOptions } from '../../engine/runtime/engine.js';
import { openEngine } from '../../engine/runtime/engine.js';
import type { HostTensor } from '../../engine/runtime/program.js';
import type { ClassifierCard } from '../../inference/card.js';
import { featureCollapse } from '../../train/pretrain/collapse.js';
import { openEncoder } from '../../train/pretrain/encoder.js';
import { readImages } from '../../train/pretrain/images.js';
import { writeAtomically, writeJsonAtomically } from '../../io/files/atomic.js';
import { locateModel } from '../../inference/locate.js';
import { assertWritableFolder } from '../../io/files/out-folder.js';
import { log } from '../output.js';
import { channelMosaic } from './channel-mosaic.js';
import type { ModelCollapse } from './collapse-chart.js';
import { collapseChart } from './collapse-chart.js';

type Preprocessing = Pick<ClassifierCard, 'pixels' | 'resize'>;

/** What `analyze collapse` was asked for. */
export interface CollapseRequest {
  readonly models: readonly string[];
  /** Folder of images; labels do not matter. */
  readonly data: string;
  readonly out: string;
  /** Most images, taken evenly from all. */
  readonly limit: number;
  /** Side of the input in pixels; that of the model by default. */
  readonly size?: number;
  readonly ema?: boolean;
  readonly cache?: string;
  readonly engine: EngineOptions;
}

/** Folder of the mosaics, by model and block. */
const CHANNELS = 'channels';

/**
 * Feature collapse of every block of models, the same images for all: curves (`collapse.svg`, `.png`, `.json`) and pictures of
 * channels of the first image (`channels/MODEL/stages.s.b.png`).
 *
 * @throws DataError, WeightsError, ConfigError before any work starts
 */
export async function analyzeCollapse(request: CollapseRequest): Promise<readonly ModelCollapse[]> {
  const { out, limit } = request;
  if (limit < 1) throw new ConfigError(`--limit: expected an image or more, got ${limit}`);
  assertWritableFolder(out);
  const all = readImages(request.data).samples.map(({ file }) => file);
  const count = Math.min(limit, all.length);
  const files = Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]);
  const which = request.ema ? 'model_ema' : 'model';
  const opened = [];
  for (const model of request.models) {
    const { file, state, inputSize = 224 } = await locateModel(model, present(request.cache));
    const preprocessing = preprocessingOf(state, request.size ?? inputSize, request.size);
    opened.push({ state, preprocessing, ...(await openEncoder(file, which)) });
  }
  const names = uniqueNames(request.models);
  const engine = await openEngine(request.engine);
  log(engine.description);
  const models: ModelCollapse[] = [];
  for (const [at, { state, store, preprocessing }] of opened.entries()) {
    const folder = join(out, CHANNELS, names[at]);
    mkdirSync(folder, { recursive: true });
    const blocks = await featureCollapse(engine, store, imageTensors(files, preprocessing), {
      variant: variantOf(state),
      onActivation: (image, activation) => {
        if (image > 0) return;
        const name = `${activation.layer}.${activation.point}.png`;
        writeFileSync(join(folder, name), encodeRgbPng(channelMosaic(activation)));
      },
    });
    models.push({ name: names[at], images: count, blocks });
    log(`${names[at]}: ${count} images, ${blocks.length} activations`);
  }
  await writeCharts(out, models);
  return models;
}

async function writeCharts(out: string, models: readonly ModelCollapse[]): Promise<void> {
  const svg = collapseChart(models);
  await writeJsonAtomically(join(out, 'collapse.json'), { models });
  await writeBytes(join(out, 'collapse.svg'), Buffer.from(svg));
  // A picture has no page whose colors it could take.
  const onWhite = svg.replace('fill="currentColor"', 'fill="#222" color="#222"');
  const png = await sharp(Buffer.from(onWhite), { density: 144 })
    .flatten({ background: '#fff' })
    .png()
    .toBuffer();
  await writeBytes(join(out, 'collapse.png'), png);
}

async function writeBytes(file: string, bytes: Uint8Array): Promise<void> {
  await writeAtomically(file, bytes);
}

async function* imageTensors(
  files: readonly string[],
  { pixels, resize }: Preprocessing,
): AsyncGenerator<HostTensor> {
  const table = normalizationTable(pixels);
  const { inputSize } = resize;
  for (const file of files) {
    const data = new Float32Array(inputSize ** 2 * 3);
    normalizeInto(resizeForEvaluation(await decodeImage(file), resize), table, data, { offset: 0 });
    yield { shape: [1, inputSize, inputSize, 3], data };
  }
}

/** Reads the variant of GRN from the card of a checkpoint; weights alone do not determine it. */
function variantOf(state: Readonly<Record<string, unknown>> | undefined): GrnVariant | undefined {
  const card = state?.['card'] as
    | {
        readonly backbone?: ConvNeXtV2Config;
        readonly fcmae?: { readonly backbone: ConvNeXtV2Config };
      }
    | undefined;
  return (card?.backbone ?? card?.fcmae?.backbone)?.responseForm;
}

/** The model's own, where its checkpoint has square inputs; else ImageNet's. */
function preprocessingOf(
  state: Readonly<Record<string, unknown>> | undefined,
  fallbackSize: number,
  asked: number | undefined,
): Preprocessing {
  const card = state?.['card'] as Partial<Preprocessing> | undefined;
  const own = card?.resize?.inputSize !== undefined ? card.resize : undefined;
  const resize = own && asked === undefined ? own : evaluationResize(fallbackSize);
  return { pixels: card?.pixels ?? IMAGENET_PIXELS, resize };
}

/** Short names for files and charts: the last part of a path; equal ones are numbered. */
function uniqueNames(models: readonly string[]): readonly string[] {
  const short = models.map((model) => basename(model).replace(/\.(safetensors|pth?|bin)$/, ''));
  return short.map((name, i) => {
    const before = short.slice(0, i).filter((other) => other === name).length;
    return before === 0 ? name : `${name}-${before + 1}`;
  });
}

const present = (cache: string | undefined): { readonly cache?: string } =>
  cache === undefined ? {} : { cache };
