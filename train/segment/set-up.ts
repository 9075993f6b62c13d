import { createDenseBackbone } from '../../backbone/output-norms.js';
import { DataError } from '../../core/errors.js';
import { alignSegmentation } from '../../datasets/align-classes.js';
import { evenly } from '../../datasets/evenly.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import type { SegmenterCard } from '../../inference/card.js';
import { startSegmenter } from '../../inference/segment/weights.js';
import { modelOf } from '../../inference/model-of.js';
import { createUperNet, type UperNetConfig } from '../../models/upernet.js';
import { assertClassWeights } from '../class-weights.js';
import { shardOf } from '../distributed/shard.js';
import { openLoader } from '../loader.js';
import type { Run } from '../loop.js';
import { SEGMENTATION_PIPELINE, type SegmentationPipelineOptions } from '../pipelines/segment.js';
import { assertSchedule, type Schedule } from '../schedule.js';
import type { Setup, TrainingData } from '../tasks/task.js';
import type { SegmentationConfig } from '../config/segment.js';
import { evaluateSegmenter } from './evaluate.js';
import { SampleSegmentations } from './samples.js';
import { createSegmenterTrainer, type LoadedSegmentationBatch } from './trainer.js';

/** Sets up the training of a segmenter, whose backbone is initialized with a classifier or autoencoder. */
export function setUpSegmenter(
  config: SegmentationConfig,
  { training, validation }: TrainingData<SegmentationSet>,
  { engine, seed, folder, communicator, ...run }: Run,
): Setup<LoadedSegmentationBatch> {
  const { backbone, pixels, geometry, photometric, steps, lr, minLr, power, warmup } = config;
  const { samples, classes: classNames } = training;
  if (classNames.length < 2)
    throw new DataError(`train: expected at least two classes, got ${classNames.length}`);
  const heldOut =
    validation && alignSegmentation(validation, classNames, { owner: training.source }).set;
  const head: UperNetConfig = { ...config.head, numClasses: classNames.length };
  const model = createUperNet(run.backbone ?? createDenseBackbone(backbone), head, config.loss);
  assertClassWeights(config.loss?.classWeights, classNames);
  const pipelineOptions: SegmentationPipelineOptions = {
    transform: { geometry, photometric: photometric ?? undefined },
    pixels,
    mapping: training.mapping,
  };
  const card: SegmenterCard = {
    task: 'segment',
    backbone,
    head,
    classNames,
    pixels,
    ...config.evaluation,
    range: training.range,
  };
  return {
    specs: model.specs,
    card,
    groups: config,
    numImages: samples.length,
    numHeldOut: heldOut?.samples.length ?? 0,
    loadWeights: (file, store, which) => startSegmenter(file, store, classNames, which),
    loader: openLoader(config, {
      samples,
      shuffle: true,
      seed,
      shard: shardOf(communicator),
      lastBatch: 'drop',
      pipeline: SEGMENTATION_PIPELINE,
      pipelineOptions,
    }),
    length: (stepsPerEpoch) => {
      const schedule: Schedule = { kind: 'poly', lr, minLr, power, steps, warmup };
      assertSchedule('train', schedule);
      const epochs = (every: number): number => Math.max(1, Math.round(every / stepsPerEpoch));
      return {
        schedule,
        epochs: Infinity, // ends by steps
        maxSteps: steps,
        evaluateEvery: epochs(config.evaluateEverySteps),
        checkpointEvery: Infinity, // by steps
        checkpointEverySteps: config.checkpointEverySteps,
      };
    },
    createTrainer: (buffers) =>
      createSegmenterTrainer({ ...config, engine, model, buffers, seed, communicator, samples }),
    evaluate:
      heldOut &&
      (async (store, which, limit) => {
        const isWhole = limit === undefined;
        const drawn =
          isWhole && which === 'weights' ? new SampleSegmentations(heldOut, folder) : null;
        const evaluated = { ...heldOut, samples: evenly(heldOut.samples, limit) };
        const { slide } = config;
        const segmenter = modelOf<'segment'>(engine, { card, model, store }, { slide });
        try {
          const { aAcc, mIoU, mAcc, numImages } = await evaluateSegmenter(segmenter, evaluated, {
            onResult: (...predicted) => drawn?.add(...predicted),
          });
          drawn?.finish();
          return { aAcc, mIoU, mAcc, count: numImages };
        } finally {
          await segmenter.release();
        }
      }),
  };
}
