import { ShapeError } from '../core/errors.js';
import type { Engine } from '../engine/runtime/engine.js';
import type { LoadedClassifier } from './classifier-weights.js';

/** One guess about an image. */
export interface ClassScore {
  readonly classIndex: number;
  /** Softmax over all classes, 0–1. */
  readonly probability: number;
}

/** Classifies batches of prepared images. Owns sessions: {@link ClassifierPredictor.release} frees them. */
export interface ClassifierPredictor {
  /**
   * @param images `[N, S, S, 3]`, normalized
   * @returns logits `[N, K]`, valid until the next call
   */
  logits(images: Float32Array, batch: number): Promise<Float32Array>;
  release(): Promise<void>;
}

/**
 * Prepares a classifier for images of one size. Owns its session: `release` frees it.
 *
 * @param inputSize side `S` of the images
 * @param frozen copies the weights into the session: faster for many runs
 */
export function createClassifierPredictor(
  engine: Engine,
  { model, store }: LoadedClassifier,
  { inputSize, frozen }: { readonly inputSize: number; readonly frozen: boolean },
): ClassifierPredictor {
  const program = engine.prepare(model.inference, store, { frozen });
  return {
    logits: async (images, batch) => {
      const shape = [batch, inputSize, inputSize, 3];
      if (images.length !== batch * inputSize ** 2 * 3) {
        throw new ShapeError(
          `classifier: expected ${batch} images of ${inputSize} px, got ${images.length} values`,
        );
      }
      const { logits } = await program.run({ image: { shape, data: images } });
      return logits.data as Float32Array;
    },
    release: () => program.release(),
  };
}

/**
 * The most likely classes, best first; of equal logits the lower index comes first.
 *
 * @param logits `[K]`
 */
export function topClasses(logits: Float32Array, count: number): readonly ClassScore[] {
  let max = -Infinity;
  for (const logit of logits) max = Math.max(max, logit);
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - max);
  const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
  return order
    .slice(0, count)
    .map((classIndex) => ({ classIndex, probability: Math.exp(logits[classIndex] - max) / total }));
}
