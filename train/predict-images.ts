import { decodeImage } from '../io/image/decode.js';
import { resizeForEvaluation } from '../datasets/transforms/evaluation.js';
import { normalizationTable, normalizeInto } from '../datasets/transforms/normalize.js';
import type { ClassScore, ClassifierPredictor } from '../models/classifier-predictor.js';
import { topClasses } from '../models/classifier-predictor.js';
import type { ImagePreprocessing } from '../models/model-card.js';

/** What a classifier says about a file. */
export interface ImagePrediction {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly top: readonly ClassScore[];
  /** `[K]` */
  readonly logits: Float32Array;
}

/**
 * Classifies image files one by one.
 *
 * @throws DataError with file and reason for the first file that can't be decoded
 */
export async function* classifyFiles(
  files: readonly string[],
  predictor: ClassifierPredictor,
  { pixels, resize }: ImagePreprocessing,
  count: number,
): AsyncGenerator<ImagePrediction> {
  const table = normalizationTable(pixels);
  const input = new Float32Array(resize.inputSize ** 2 * 3);
  for (const file of files) {
    const image = await decodeImage(file);
    normalizeInto(resizeForEvaluation(image, resize), table, input, { offset: 0 });
    const logits = (await predictor.logits(input, 1)).slice();
    yield {
      file,
      width: image.width,
      height: image.height,
      top: topClasses(logits, count),
      logits,
    };
  }
}
