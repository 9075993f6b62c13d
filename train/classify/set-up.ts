import { ConfigError, DataError } from '../../core/errors.js';
import { alignClassification } from '../../datasets/align-classes.js';
import { evenly } from '../../datasets/evenly.js';
import type { ClassificationSet } from '../../datasets/imagenet.js';
import { ClassificationEvaluator } from '../../evaluation/classification/evaluator.js';
import { createClassifier } from '../../models/classifier.js';
import { modelOf } from '../../inference/model-of.js';
import type { ClassifierCard } from '../../inference/card.js';
import { classWeightsOf } from '../class-weights.js';
import { shardOf } from '../distributed/shard.js';
import type { Run } from '../loop.js';
import type { Setup, TrainingData } from '../tasks/task.js';
import type { ClassificationConfig } from '../config/classify.js';
import { countSamples } from './evaluate.js';
import { trainingLoader } from './loader.js';
import { SampleClassifications } from './samples.js';
import { loadStart } from './start.js';
import {
  classificationScores,
  createClassifierTrainer,
  type LoadedClassificationBatch,
} from './trainer.js';

/** Sets up the training of a classifier: initial weights, if any, are used for everything but the head. */
export function setUpClassifier(
  config: ClassificationConfig,
  { training, validation }: TrainingData<ClassificationSet>,
  { engine, seed, folder, communicator, ...run }: Run,
): Setup<LoadedClassificationBatch> {
  const { backbone, pixels, headInitScale, epochs, lr, minLr, warmupEpochs } = config;
  const { samples, classes } = training;
  const classNames = classes.map(({ name }) => name);
  if (classes.length < 2)
    throw new DataError(`train: expected at least two classes, got ${classes.length}`);
  if (samples.length === 0) throw new DataError('train: expected images, got none');
  assertPairs(config, samples.length);
  const heldOut =
    validation && alignClassification(validation, classNames, { owner: 'the training set' }).set;
  const classWeights = classWeightsOf(
    config.classWeights,
    samples.map(({ classIndex }) => classIndex),
    classNames,
  );
  const model = createClassifier(
    { backbone, classes: classes.length, headInitScale },
    run.backbone,
    { classWeights, focalGamma: config.focalGamma },
  );
  const card: ClassifierCard = {
    task: 'classify',
    backbone: model.config.backbone,
    classNames,
    pixels,
    resize: config.evaluation,
  };
  return {
    specs: model.specs,
    card,
    groups: config,
    numImages: samples.length,
    numHeldOut: heldOut?.samples.length ?? 0,
    loadWeights: (file, store, which) =>
      loadStart(file, store, {
        adaptsResponseNorm: config.adaptsResponseNorm,
        classNames,
        which,
      }),
    loader: trainingLoader(config, samples, { seed, shard: shardOf(communicator) }),
    length: () => ({
      ...config,
      schedule: { kind: 'cosine', lr, minLr, epochs, warmupEpochs },
    }),
    createTrainer: (buffers) =>
      createClassifierTrainer({ ...config, engine, model, buffers, seed, samples }),
    evaluate:
      heldOut &&
      (async (store, which, limit) => {
        const isWhole = limit === undefined;
        const drawn =
          isWhole && which === 'weights' ? new SampleClassifications(heldOut, folder) : null;
        const accuracy = new ClassificationEvaluator(classes.length);
        const classifier = modelOf<'classify'>(engine, { card, model, store });
        try {
          await countSamples(classifier, evenly(heldOut.samples, limit), accuracy, {
            ...config,
            doublesSingle: false,
            onPrediction: (index, prediction) => drawn?.take(index, prediction),
          });
        } finally {
          await classifier.release();
        }
        await drawn?.finish();
        return classificationScores(accuracy);
      }),
  };
}

/** Mixing needs pairs of images in a batch. */
function assertPairs({ training, batchSize }: ClassificationConfig, numImages: number): void {
  const mix = training.kind === 'training' ? training.mix : undefined;
  const isMixed = mix !== undefined && (mix.mixupAlpha > 0 || mix.cutmixAlpha > 0);
  const size = Math.min(batchSize, numImages);
  if (isMixed && size % 2 !== 0) {
    throw new ConfigError(
      `train: expected an even batch for mixup and CutMix, got ${size} images (batchSize ${batchSize}, ${numImages} images in all)`,
    );
  }
}
