import { basename, join, resolve } from 'node:path';
import { OptionError } from '../../core/errors.js';
import { evenly } from '../../datasets/evenly.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { openEngine, type EngineOptions } from '../../engine/runtime/engine.js';
import type { HostTensor } from '../../engine/runtime/program.js';
import { readCard } from '../../inference/read-card.js';
import { classifierInput } from '../../inference/classify/preprocess.js';
import { locateModel } from '../../inference/locate.js';
import { decodeImage } from '../../io/image/decode.js';
import { featureCollapse } from '../../train/pretrain/collapse.js';
import { openEncoder } from '../../train/pretrain/encoder.js';
import { readImages } from '../../train/pretrain/images.js';
import { log } from '../output.js';
import { writeCollapseCharts, type ModelCollapse } from './collapse-chart.js';
import { assertCollapseFolder, MOSAICS, writeMosaic } from './collapse-files.js';

type ModelCard = ReturnType<typeof readCard>;
type ClassifierCard = Extract<ModelCard, { readonly task: 'classify' }>;
/** Statistics of pixels and size of images, by the names that cards have. */
type Preprocessing = Pick<ClassifierCard, 'pixels' | 'resize'>;

/** Options of `analyze collapse`. */
export interface CollapseRequest {
  readonly models: readonly string[];
  /** Folder of images; labels do not matter. */
  readonly data: string;
  readonly out: string;
  /** Largest number of images, evenly spaced over all. */
  readonly limit: number;
  /** Side of the input in pixels; default: that of the model. */
  readonly size?: number | undefined;
  readonly ema?: boolean | undefined;
  /** Folder of pulled weights. */
  readonly cache?: string | undefined;
  readonly engine: EngineOptions;
}

/**
 * Analyzes the feature collapse of every block of several models on the same images: curves (`collapse.svg`, `.png`,
 * `.json`) and pictures of channels of the first image (`channels/MODEL/stages.s.b.png`).
 *
 * @throws DataError, WeightsError, ConfigError before any work starts
 */
export async function analyzeCollapse(request: CollapseRequest): Promise<readonly ModelCollapse[]> {
  const { out, limit } = request;
  if (limit < 1) throw new OptionError(`--limit: expected an image or more, got ${limit}`);
  const { samples } = readImages(request.data);
  assertCollapseFolder(
    out,
    samples.map(({ file }) => file),
  );
  const files = evenly(samples, limit).map(({ file }) => file);
  const opened = [];
  for (const model of request.models) {
    const {
      file,
      state,
      inputSize = 224,
      ema,
      verified,
    } = await locateModel(model, {
      ...request,
      onNotice: log,
    });
    await verified;
    const which = (request.ema ?? ema) ? 'model_ema' : 'model';
    const card = state?.['card'] === undefined ? undefined : readCard(file, state);
    const preprocessing = preprocessingOf(card, request.size ?? inputSize, request.size);
    opened.push({ card, preprocessing, ...(await openEncoder(file, which)) });
  }
  const names = uniqueNames(request.models);
  const engine = await openEngine(request.engine);
  log(engine.description);
  const models: ModelCollapse[] = [];
  for (const [at, { card, store, preprocessing }] of opened.entries()) {
    const folder = join(out, MOSAICS, names[at]);
    const blocks = await featureCollapse(engine, store, imageTensors(files, preprocessing), {
      variant: variantOf(card),
      onActivation: (image, activation) => {
        if (image === 0) writeMosaic(folder, activation);
      },
    });
    models.push({ name: names[at], images: files.length, blocks });
    log(`${names[at]}: ${files.length} images, ${blocks.length} activations`);
  }
  await writeCollapseCharts(out, models);
  return models;
}

async function* imageTensors(
  files: readonly string[],
  preprocessing: Preprocessing,
): AsyncGenerator<HostTensor> {
  for (const file of files) yield classifierInput(await decodeImage(file), preprocessing);
}

/** Reads the variant of GRN from the card of a checkpoint; weights alone do not determine it. */
function variantOf(card: ModelCard | undefined): ClassifierCard['backbone']['responseForm'] {
  if (card === undefined) return undefined;
  return (card.task === 'pretrain' ? card.fcmae.backbone : card.backbone).responseForm;
}

/** Preprocessing of the model, if its checkpoint has square inputs; else ImageNet's. */
function preprocessingOf(
  card: ModelCard | undefined,
  fallbackSize: number,
  asked: number | undefined,
): Preprocessing {
  const own = card && 'resize' in card ? card.resize : undefined;
  const resize = own && asked === undefined ? own : evaluationResize(fallbackSize);
  return { pixels: card?.pixels ?? IMAGENET_PIXELS, resize };
}

/** Short names for files and charts: the last component of a path; duplicates are numbered. */
function uniqueNames(models: readonly string[]): readonly string[] {
  const short = models.map((model) =>
    basename(resolve(model)).replace(/\.(safetensors|pth?|bin)$/, ''),
  );
  return short.map((name, i) => {
    const before = short.slice(0, i).filter((other) => other === name).length;
    return before === 0 ? name : `${name}-${before + 1}`;
  });
}
