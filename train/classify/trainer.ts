import { ParameterStore } from '../../engine/parameters/store.js';
import type { LoadedBatch } from '../../datasets/loader/loader.js';
import { mixedTargets } from '../../datasets/transforms/mix.js';
import { ClassificationEvaluator } from '../../evaluation/classification/evaluator.js';
import type { Classifier } from '../../models/classifier.js';
import type { ClassificationBatch } from '../pipelines/classify.js';
import { describeSamples } from '../trainer.js';
import type { Scalars, StepPosition, Trainer, TrainerOptions } from '../trainer.js';
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
