import { segmentResult } from '../core/results.js';
import type { Engine } from '../engine/runtime/engine.js';
import { classifierOf, type ClassifierModel } from './classify/model.js';
import { classifierInput } from './classify/preprocess.js';
import { DetectorPredictor } from './detect/predictor.js';
import { detectPicture } from './detect/picture.js';
import { detectResult } from './detect/prediction.js';
import { detectionChoice } from './detect/shown-scores.js';
import { assertPredictOptions, type PredictOptions, type PredictTask } from './predict-options.js';
import {
  queued,
  type Given,
  type ImageReaders,
  type LoadedOf,
  type Opened,
  type Predict,
} from './opened.js';
import { createSegmenterPredictor } from './segment/predictor.js';
import { segmentPicture } from './segment/picture.js';

export type {
  CallOptions,
  PredictCallOptions,
  PredictOptions,
  PredictTask,
} from './predict-options.js';

export type { Classification } from './classify/classification.js';
export type { ClassifierModel } from './classify/model.js';
export type { ImageReaders, LoadedOf } from './opened.js';

/** Weights in memory with their model card. */
export type LoadedModel = LoadedOf<PredictTask>;

/** An open detector. */
export type DetectorModel = Opened<'detect'>;

/** An open segmenter. */
export type SegmenterModel = Opened<'segment'>;

/** An open model. Owns sessions: `release` frees them. */
export type ImageModel = ClassifierModel | DetectorModel | SegmenterModel;

/** Open model of a task. */
export type ModelOf<Task extends PredictTask> = Extract<ImageModel, { readonly task: Task }>;

/**
 * Creates a model from weights in memory.
 *
 * @param readers readers of the images of calls; {@link file://./model-of.ts} has Node's
 * @throws ConfigError for options out of range
 */
export function createModel<Task extends PredictTask>(
  engine: Engine,
  loaded: LoadedOf<Task>,
  readers: ImageReaders,
  options?: PredictOptions,
): ModelOf<Task>;
export function createModel(
  engine: Engine,
  loaded: LoadedModel,
  readers: ImageReaders,
  own: PredictOptions = {},
): ImageModel {
  assertPredictOptions(own, loaded.card.task);
  const tta = own.ratios === undefined ? own.tta : true;
  const options = { ...own, tta, ema: loaded.ema ?? own.ema };
  const given = { loaded, readers, options };
  switch (loaded.card.task) {
    case 'classify':
      return classifierModel(engine, given as Given<'classify'>);
    case 'detect':
      return detectorModel(engine, given as Given<'detect'>);
    case 'segment':
      return segmenterModel(engine, given as Given<'segment'>);
    default:
      return loaded.card satisfies never;
  }
}

function classifierModel(engine: Engine, given: Given<'classify'>): ClassifierModel {
  const { card, model, store } = given.loaded;
  const program = engine.prepare(model.inference, store, { frozen: given.options.frozen });
  return classifierOf(given, {
    takesWholeImages: false,
    inputOf: (image) => classifierInput(image, card),
    run: async (image) => (await program.run({ image })).logits.data as Float32Array,
    free: () => program.release(),
  });
}

function detectorModel(engine: Engine, given: Given<'detect'>): DetectorModel {
  const { loaded, options } = given;
  const { card, model, store } = loaded;
  const { tta = false, frozen } = options;
  const { thresholds } = card;
  const prepare = { frozen };
  const predictor = new DetectorPredictor({ engine, model, store, thresholds, prepare });
  const predict: Predict<'detect'> = async (image, call) => {
    const { signal, tile } = call;
    const choice = detectionChoice(card, options, call);
    const found = await detectPicture(predictor, image, { card, tta, tile, signal, ...choice });
    return detectResult(found, card, image);
  };
  return queued('detect', given, predict, () => predictor.release());
}

function segmenterModel(engine: Engine, given: Given<'segment'>): SegmenterModel {
  const { loaded, options } = given;
  const { card, model, store } = loaded;
  const { tta = false, slide = false, frozen } = options;
  const { classNames, palette, window } = card;
  const predictor = createSegmenterPredictor({ engine, model, store, frozen });
  const ratios = tta ? (options.ratios ?? card.ratios) : [1];
  const mode = { window: slide ? window : null, flip: tta };
  const predict: Predict<'segment'> = async (image, { signal, tile }) => {
    const { width, height } = image;
    const chosen = { card: { ...card, ratios }, mode, tile, signal };
    const labels = await segmentPicture(predictor, image, chosen);
    return segmentResult({ width, height, labels, classNames, palette });
  };
  return queued('segment', given, predict, () => predictor.release());
}
