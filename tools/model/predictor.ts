import { decodeImage } from '../../io/image/decode.js';
import type { RgbImage } from '../../core/image.js';
import { resizeForEvaluation } from '../../datasets/transforms/evaluation.js';
import { normalizationTable, normalizeInto } from '../../datasets/transforms/normalize.js';
import type { Rle } from '../../core/rle.js';
import { ConfigError } from '../../core/errors.js';
import type { Engine, EngineOptions } from '../../engine/runtime/engine.js';
import { openEngine } from '../../engine/runtime/engine.js';
import { createClassifierPredictor, topClasses } from '../../models/classifier-predictor.js';
import { DetectorPredictor } from '../../models/detector-predictor.js';
import { createSegmenterPredictor } from '../../models/segmenter.js';
import { predictedBox } from '../../train/detect/results.js';
import { segmenterViews } from '../../train/segment/views.js';
import { openClassifier } from './classifier.js';
import { detectorViews, openDetector } from './detector.js';
import type { LocatedModel } from './locate.js';
import { locateModel } from './locate.js';
import { openSegmenter, viewing } from './segmenter.js';

/** An image and its classes, the most probable first. */
export interface ClassifiedImage {
  readonly task: 'classify';
  readonly classes: readonly {
    readonly classIndex: number;
    readonly name: string;
    readonly probability: number;
  }[];
}

/** An image and the objects in it, the surest first. */
export interface DetectedObjects {
  readonly task: 'detect';
  readonly objects: readonly {
    readonly classIndex: number;
    readonly name: string;
    readonly score: number;
    /** `[x, y, width, height]`, pixels of the image. */
    readonly box: readonly [number, number, number, number];
    /** Of the image's size; absent where the detector has no masks. */
    readonly mask?: Rle;
  }[];
}

/** An image and the class of every pixel. */
export interface SegmentedImage {
  readonly task: 'segment';
  readonly width: number;
  readonly height: number;
  /** `[height, width]`, class indices. */
  readonly labels: Uint8Array;
  /** By class index. */
  readonly classNames: readonly string[];
}

/** What a model says about an image. */
export type ImageResult = ClassifiedImage | DetectedObjects | SegmentedImage;

/** A model with its pre-processing. Owns sessions: `release` frees them. */
export interface ImageModel {
  readonly task: ImageResult['task'];
  /** By class index. */
  readonly classNames: readonly string[];
  /**
   * @param image file, or pixels
   * @throws DataError with file and reason if it cannot be decoded
   */
  predict(image: string | RgbImage): Promise<ImageResult>;
  release(): Promise<void>;
}

/** How {@link loadModel} opens a model. */
export interface LoadModelOptions {
  /** What a weight file without card is for; checkpoints say it. */
  readonly task?: ImageResult['task'];
  /** Use the moving average of the weights. */
  readonly ema?: boolean;
  /** File with class names, for weight files without. */
  readonly classes?: string;
  /** Side of the input in pixels, where the file does not say it. */
  readonly size?: number;
  /** Mirror images and several scales (detect, segment). */
  readonly tta?: boolean;
  /** Sliding windows (segment). */
  readonly slide?: boolean;
  /** Folder of pulled weights. */
  readonly cache?: string;
  readonly engine?: EngineOptions;
}

/**
 * Opens a model for images: a run folder, a checkpoint or weight file, or an official name from the cache.
 *
 * @throws WeightsError, ConfigError naming what was looked for
 */
export async function loadModel(
  model: string,
  options: LoadModelOptions = {},
): Promise<ImageModel> {
  const located = await locateModel(model, options);
  const open = OPENERS[located.task];
  return open(located, options, await openEngine(options.engine));
}

type Opener = (
  located: LocatedModel,
  options: LoadModelOptions,
  engine: Engine,
) => Promise<ImageModel>;

const OPENERS: Readonly<Record<LocatedModel['task'], Opener>> = {
  classify: classifier,
  detect: detector,
  segment: segmenter,
  pretrain: ({ file }) => {
    throw new ConfigError(
      `${file}: expected a model that predicts, got a pre-trained encoder; fine-tune it first (convnextv2 train … --weights)`,
    );
  },
};

const decoded = async (image: string | RgbImage): Promise<RgbImage> =>
  typeof image === 'string' ? decodeImage(image) : image;

async function classifier(
  located: LocatedModel,
  options: LoadModelOptions,
  engine: Engine,
): Promise<ImageModel> {
  const opened = await openClassifier(located, options);
  const { resize, pixels, classNames } = opened.card;
  const { inputSize } = resize;
  const predictor = createClassifierPredictor(engine, opened, { inputSize, frozen: false });
  const table = normalizationTable(pixels);
  return {
    task: 'classify',
    classNames,
    predict: async (image) => {
      const input = new Float32Array(inputSize ** 2 * 3);
      normalizeInto(resizeForEvaluation(await decoded(image), resize), table, input, { offset: 0 });
      const scores = topClasses(await predictor.logits(input, 1), classNames.length);
      const classes = scores.map((score) => ({ ...score, name: classNames[score.classIndex] }));
      return { task: 'classify', classes };
    },
    release: () => predictor.release(),
  };
}

async function detector(
  located: LocatedModel,
  options: LoadModelOptions,
  engine: Engine,
): Promise<ImageModel> {
  const { card, model, store } = await openDetector(located, options);
  const { classNames, thresholds } = card;
  const predictor = new DetectorPredictor({ engine, model, store, thresholds });
  return {
    task: 'detect',
    classNames,
    predict: async (image) => {
      const views = detectorViews(await decoded(image), card, options.tta ?? false);
      const found = await predictor.predictViews(views);
      const objects = [...found.scores].map((score, d) => ({
        classIndex: found.classIndices[d],
        name: classNames[found.classIndices[d]],
        score,
        box: predictedBox(found, d),
        ...(found.masks.length > 0 ? { mask: found.masks[d] } : {}),
      }));
      return { task: 'detect', objects };
    },
    release: () => predictor.release(),
  };
}

async function segmenter(
  located: LocatedModel,
  options: LoadModelOptions,
  engine: Engine,
): Promise<ImageModel> {
  const opened = await openSegmenter(located, options);
  const { card } = opened;
  const { classNames } = card;
  const predictor = createSegmenterPredictor({ engine, ...opened });
  const { ratios, mode } = viewing(card, options);
  return {
    task: 'segment',
    classNames,
    predict: async (image) => {
      const pixels = await decoded(image);
      const views = segmenterViews(pixels, { ...card, ratios });
      const { width, height, labels } = await predictor.segment(views, pixels, mode);
      return { task: 'segment', width, height, labels, classNames };
    },
    release: () => predictor.release(),
  };
}
