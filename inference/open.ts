import { ConfigError, OptionError, WeightsMismatchError } from '../core/errors.js';
import {
  assertEngine,
  openEngine,
  type Engine,
  type EngineOptions,
} from '../engine/runtime/engine.js';
import * as rule from '../core/options.js';
import { inOptions, rethrowInOptionWords } from '../core/option-words.js';
import { readClassList } from '../datasets/class-list.js';
import type { DetectorCard } from './card.js';
import { openClassifier } from './classify/load.js';
import type { LoadOptions } from './class-names.js';
import { openDetector } from './detect/load.js';
import { locateModel, type LocatedModel, type LocateOptions } from './locate.js';
import { modelOf } from './model-of.js';
import type { LoadedModel, ModelOf, PredictOptions, PredictTask } from './model.js';
import { publishedEntry } from '../weights/pull/cache.js';
import { A_BACKBONE } from '../engine/backbone.js';
import { PREDICT_RULES } from './predict-options.js';
import { withPreprocessing } from './preprocessing.js';
import { publishedCard } from './published.js';
import { openSegmenter } from './segment/load.js';

/** Options of {@link open}. */
export interface OpenOptions<Task extends PredictTask = PredictTask>
  extends
    PredictOptions,
    Omit<LoadOptions, 'which' | 'published'>,
    Omit<LocateOptions, 'task' | 'which'> {
  /** Task of a weight file without model card. For checkpoints it must match theirs. */
  readonly task?: Task | undefined;
  /** Engine, or its options; an open engine may be used by several models. */
  readonly engine?: Partial<EngineOptions> | Engine | undefined;
}

/** Rules of {@link OpenOptions}; names and lists are checked where they are used. */
export const LOAD_RULES: rule.OptionRules<OpenOptions> = {
  ...PREDICT_RULES,
  task: rule.ANYTHING,
  engine: rule.ANYTHING,
  backbone: A_BACKBONE,
  classes: rule.ruled(
    'a list or a file of class names',
    (v) => rule.A_TEXT.fits(v) || rule.TEXTS.fits(v),
  ),
  size: rule.wholeFrom(1),
  mean: rule.ANYTHING,
  std: rule.ANYTHING,
  crop: rule.ANYTHING,
  cache: rule.A_TEXT,
  offline: rule.TRUE_OR_FALSE,
  mirror: rule.A_TEXT,
  onNotice: rule.A_FUNCTION,
};

/**
 * Opens a model for predictions on images.
 *
 * @param model a run folder, a checkpoint or weight file, or an official name, which is pulled if it is not in the cache
 * @throws WeightsError, ConfigError naming the searched locations
 *
 * @example
 *   ```ts
 *   const model = await loadModel('RUN'); // or a weight file, or a published name
 *   const result = await model.predict('photo.jpg');
 *   if (result.task === 'detect') console.log(result.objects.map(({ name, score }) => [name, score]));
 *   await model.release();
 *   ```
 */
export async function open<Task extends PredictTask = PredictTask>(
  model: string,
  options: OpenOptions<Task> = {},
): Promise<ModelOf<Task>> {
  rule.assertOptions('loadModel', options, LOAD_RULES);
  if (options.engine !== undefined) assertEngine(options.engine);
  const onNotice = (line: string): void => options.onNotice?.(inOptions(line).line);
  const onUnused = (message: string): never => {
    throw new OptionError(message);
  };
  const opening = openEngine(options.engine); // while the weights are read
  opening.catch(() => undefined); // thrown at its turn
  const loaded = await load(model, { ...options, onNotice }, onUnused).catch(rethrowInOptionWords);
  const engine = await opening;
  const predict = rule.optionsAmong(options, PREDICT_RULES);
  return modelOf<PredictTask>(engine, loaded, predict) as ModelOf<Task>;
}

/**
 * Loads only the weights, with their model card.
 *
 * @param onUnused called if options are given that the model card of the file already holds; default: a notice, because a
 *   command has the same options for several models
 * @throws as {@link open}
 */
export async function load(
  model: string,
  options: Omit<OpenOptions, 'engine'> = {},
  onUnused?: (message: string) => void,
): Promise<LoadedModel> {
  const loaded = await loadUnverified(model, options, onUnused);
  await loaded.verified;
  return loaded;
}

/** {@link load} that leaves it to the first call of the model to wait until a checkpoint's checksum is computed. */
export async function loadUnverified(
  model: string,
  options: Omit<OpenOptions, 'engine'> = {},
  onUnused: (message: string) => void = (message) => options.onNotice?.(`warning: ${message}`),
): Promise<LoadedModel> {
  if (publishedEntry(model)?.task === 'pretrain')
    throw new ConfigError(
      `${model}: expected a model that predicts, got a pre-trained encoder; fine-tune it first (convnextv2 train … --weights ${model})`,
    );
  // Before anything is pulled.
  if (typeof options.classes === 'string') readClassList(options.classes);
  const located = await locateModel(model, {
    ...options,
    which: options.ema ? 'model_ema' : undefined,
  });
  if (located.state)
    for (const name of ['classes', 'size'] as const)
      if (options[name] !== undefined)
        onUnused(`${name}: expected a weight file without model card, got ${located.file}`);
  const ema = options.ema ?? located.ema ?? false;
  if (ema && options.ema === undefined)
    options.onNotice?.(
      `${located.file}: its moving average (EMA) scored better and is used; --no-ema for the weights themselves`,
    );
  const { entry } = located;
  const published = entry && publishedCard(entry, options);
  const which = ema ? 'model_ema' : undefined;
  const loaded = await loadLocated(located, { ...options, published, which }).catch(
    async (error: unknown) => {
      await located.verified;
      throw withBackboneHint(error, located, options);
    },
  );
  const read = withPreprocessing(loaded.card, options, located.state && located.file);
  const card = ema && read.task === 'detect' ? withEmaScores(read) : read;
  return { ...loaded, card, ema, verified: located.verified } as LoadedModel;
}

/** A checkpoint whose tensors do not fit may have a backbone that its card does not describe. */
function withBackboneHint(
  error: unknown,
  { file, state }: LocatedModel,
  { backbone }: LoadOptions,
): unknown {
  if (!(error instanceof WeightsMismatchError) || !state || backbone) return error;
  return new WeightsMismatchError(
    `${error.message}; if it was trained with a backbone of your own, open it with { backbone }`,
    { cause: error, file },
  );
}

/** Card of the moving average of a detector's weights, whose scores are others. */
const withEmaScores = (card: DetectorCard): DetectorCard => ({
  ...card,
  bestScores: card.emaBestScores,
});

function loadLocated(located: LocatedModel, options: LoadOptions): Promise<LoadedModel> {
  switch (located.task) {
    case 'classify':
      return openClassifier(located, options);
    case 'detect':
      return openDetector(located, options);
    case 'segment':
      return openSegmenter(located, options);
    case 'pretrain':
      throw new ConfigError(
        `${located.file}: expected a model that predicts, got a pre-trained encoder; fine-tune it first (convnextv2 train … --weights)`,
      );
    default:
      return located.task satisfies never;
  }
}
