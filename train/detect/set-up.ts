import { createDenseBackbone } from '../../backbone/output-norms.js';
import { trainingSamples } from '../../datasets/coco/samples.js';
import { spreadImages, type CocoSet } from '../../datasets/coco/set.js';
import type { DetectorConfig } from '../../models/detection/config.js';
import { createDetector } from '../../models/detector.js';
import type { DetectorCard } from '../../inference/card.js';
import { modelOf } from '../../inference/model-of.js';
import { startDetector } from '../../inference/detect/weights.js';
import type { Run } from '../loop.js';
import { assertSchedule, type Schedule } from '../schedule.js';
import type { Setup, TrainingData } from '../tasks/task.js';
import { checkedValidation } from './check-data.js';
import type { DetectionConfig } from '../config/detect.js';
import { cardScores } from './card-scores.js';
import { detectionMetrics, evaluateDetector } from './evaluate.js';
import { openDetectionLoader } from './loader.js';
import { pretrainOnObjects } from './object-pretraining.js';
import { SampleDetections } from './samples.js';
import { createDetectorTrainer, type LoadedDetectionBatch } from './trainer.js';

/**
 * Sets up the training of a detector, initialized with a classifier, an autoencoder, or a whole detector of the same
 * classes.
 */
export function setUpDetector(
  config: DetectionConfig,
  data: TrainingData<CocoSet>,
  { engine, seed, folder, communicator, ...run }: Run,
): Setup<LoadedDetectionBatch> {
  const { backbone, objectPretraining, pixels, epochs, lr, decay, warmup } = config;
  const { limits, thresholds } = config.evaluation;
  const { training } = data;
  const { names: classNames, categoryIds } = training.classes;
  const heldOut = checkedValidation(data, config.detector.masks !== null);
  const detector: DetectorConfig = { ...config.detector, numClasses: classNames.length };
  const network = run.backbone ?? createDenseBackbone(backbone);
  const model = createDetector(network, detector);
  const samples = trainingSamples(training, config.keepEmpty, config.repeatThreshold);
  const isTrained = (path: string): boolean => !isFrozen(path, config.frozenStages);
  const card: DetectorCard = {
    task: 'detect',
    backbone,
    detector,
    classNames,
    categoryIds,
    pixels,
    limits,
    thresholds,
    range: training.range,
  };
  return {
    specs: model.specs,
    card,
    groups: config,
    numImages: samples.length,
    numHeldOut: heldOut?.images.ids.length ?? 0,
    isTrained,
    loadWeights: (file, store, which) => startDetector(file, store, classNames, which),
    warmUp: objectPretraining
      ? (store, request) => {
          const numClasses = classNames.length;
          const context = { engine, network, backbone, numClasses, samples, pixels, seed };
          return pretrainOnObjects(store, objectPretraining, context, request);
        }
      : undefined,
    loader: openDetectionLoader(config, samples, { seed, communicator }),
    length: (stepsPerEpoch) => {
      const schedule: Schedule =
        decay.kind === 'poly'
          ? { ...decay, lr, warmup, steps: epochs * stepsPerEpoch }
          : { ...decay, lr, warmup };
      assertSchedule('train', schedule);
      return { ...config, schedule };
    },
    createTrainer: (buffers) =>
      createDetectorTrainer({ ...config, engine, model, buffers, seed, isTrained, communicator }),
    evaluate:
      heldOut &&
      (async (store, which, limit, onCard) => {
        const isWhole = limit === undefined;
        const drawn = isWhole && which === 'weights' ? new SampleDetections(heldOut, folder) : null;
        const evaluated = spreadImages(heldOut, limit);
        const predicting = modelOf<'detect'>(engine, { card, model, store });
        try {
          const scores = await evaluateDetector(predicting, evaluated, {
            onResult: (sample, result, image) => image && drawn?.add(sample, result, image),
          });
          drawn?.finish();
          const best = cardScores(scores, heldOut.classes.categoryIds);
          onCard?.(which === 'ema' ? { emaBestScores: best } : { bestScores: best });
          return detectionMetrics(scores);
        } finally {
          await predicting.release();
        }
      }),
  };
}

/** Whether a parameter belongs to the stem or the first `stages` stages. */
export function isFrozen(path: string, stages: number): boolean {
  const stage = /^backbone\.(?:stages|downsample_layers)\.(\d)\./.exec(path)?.[1];
  return stage !== undefined && Number(stage) < stages;
}
