import { ParameterStore } from '../../engine/parameters/store.js';
import type { HostTensor } from '../../engine/runtime/program.js';
import type { LoadedBatch } from '../../datasets/loader/loader.js';
import { mixedTargets } from '../../datasets/transforms/mix.js';
import { ClassificationEvaluator } from '../../evaluation/classification/evaluator.js';
import type { ClassifierModel } from '../../inference/model.js';
import type { Classifier } from '../../models/classifier.js';
import type { ClassificationBatch } from '../pipelines/classify.js';
import { describeSamples } from '../trainer.js';
import type { Scalars, StepPosition, Trainer, TrainerOptions } from '../trainer.js';
import type { ClassificationLoader } from './loader.js';
import { dropPathInput } from '../drop-path.js';

/** A batch of the loader. */
export type LoadedClassificationBatch = Pick<LoadedBatch<ClassificationBatch>, 'value' | 'release'>;

/** Arguments of {@link createClassifierTrainer}. */
interface ClassifierTrainerOptions extends TrainerOptions<Classifier> {
  readonly dropPathRate: number;
  readonly labelSmoothing: number;
}

/** Creates the trainer of a classifier. */
export function createClassifierTrainer(
  options: ClassifierTrainerOptions,
): Trainer<LoadedClassificationBatch> {
  const { engine, model, buffers, seed, samples } = options;
  const store = new ParameterStore(model.specs, buffers.parameters);
  const into = buffers.microGradients ?? buffers.gradients;
  const training = engine.prepare(model.training, store, { gradients: { of: 'loss', into } });
  const { classes } = model.config;

  const backward = async (
    batch: LoadedClassificationBatch,
    position: StepPosition,
  ): Promise<Scalars> => {
    const { images, shape, labels, lambda } = batch.value;
    const n = labels.length;
    const { loss, logits } = await training.run({
      image: { shape, data: images },
      targets: {
        shape: [n, classes],
        data: mixedTargets(labels, {
          numClasses: classes,
          lambda,
          smoothing: options.labelSmoothing,
        }),
      },
      ...dropPathInput(options.dropPathRate, model.numBlocks, n, { seed, ...position }),
    });
    const total = loss.data[0];
    const top1 = Number.isFinite(total)
      ? fractionRight(logits.data as Float32Array, labels, classes)
      : NaN;
    batch.release();
    return { loss: total, top1 };
  };

  return {
    store,
    backward,
    numImages: ({ value }) => value.labels.length,
    describe: ({ value }) => describeSamples(samples, value.indices),
    release: () => training.release(),
  };
}

/** Options of {@link countClassifier}. */
interface CountOptions {
  /**
   * Requested batch size; default 1. Unless it is 1, an image that is alone in its batch is duplicated: sums over the
   * positions of a single image have another order than for two or more, so results would otherwise depend on the
   * division into shards.
   */
  readonly batchSize?: number | undefined;
  /** Called with the image indices `[N]` and the logits `[N, K]` of each batch; the logits are overwritten later. */
  readonly onLogits?: ((indices: Int32Array, logits: Float32Array) => void) | undefined;
}

/** Evaluates a classifier on a data set. */
export async function countClassifier(
  model: Pick<ClassifierModel, 'logits'>,
  loader: ClassificationLoader,
  accuracy: ClassificationEvaluator,
  { batchSize = 1, onLogits }: CountOptions = {},
): Promise<void> {
  for await (const batch of loader.epoch(0)) {
    const { images, shape, labels, indices } = batch.value;
    const isAlone = labels.length === 1 && batchSize > 1;
    const image = isAlone ? twice(images, shape) : { shape, data: images };
    const logits = await model.logits(image);
    const values = isAlone ? logits.subarray(0, logits.length / 2) : logits;
    accuracy.update(values, labels);
    onLogits?.(indices, values);
    batch.release();
  }
}

function twice(image: Float32Array, [, ...size]: ClassificationBatch['shape']): HostTensor {
  const data = new Float32Array(2 * image.length);
  data.set(image);
  data.set(image, image.length);
  return { shape: [2, ...size], data };
}

/** Metrics of an evaluation: `top1`, `top5` (fractions), `loss` (mean cross-entropy), `count`. */
export function classificationScores(accuracy: ClassificationEvaluator): Scalars {
  const { numSamples, top1, top5, calibration } = accuracy.finish();
  return { top1, top5, loss: calibration?.meanNLL ?? NaN, count: numSamples };
}

function fractionRight(logits: Float32Array, labels: Int32Array, classes: number): number {
  const accuracy = new ClassificationEvaluator(classes);
  accuracy.update(logits, labels, 'training batch');
  return accuracy.finish().top1;
}
