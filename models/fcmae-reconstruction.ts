import { ShapeError } from '../core/errors.js';

/** One image of a masked batch with its prediction. */
interface MaskedImage {
  readonly height: number;
  readonly width: number;
  readonly patchSize: number;
  /** `[H, W, 3]`, normalized. */
  readonly image: Float32Array;
  /** `[L]`, 1 where removed. */
  readonly mask: Float32Array;
  /** `[L, patchSize² · 3]` */
  readonly prediction: Float32Array;
  /** Whether predictions are normalized to mean 0 and variance 1 per patch. */
  readonly normPixLoss: boolean;
}

/** Pictures of one image, `[H, W, 3]`, normalized like the input. */
interface Reconstruction {
  /** Input with removed patches set to 0, the mean color of the data. */
  readonly masked: Float32Array;
  /**
   * Input with removed patches replaced by the prediction; normalized predictions get the true mean and standard
   * deviation.
   */
  readonly reconstructed: Float32Array;
}

const CHANNELS = 3;
const VARIANCE_EPS = 1e-6;

/**
 * Creates the pictures of an autoencoder's input and reconstruction.
 *
 * @throws ShapeError if the sizes of the arrays do not match
 */
export function reconstruct(input: MaskedImage): Reconstruction {
  const { height, width, patchSize, image, mask, prediction, normPixLoss } = input;
  const columns = width / patchSize;
  const patchValues = patchSize * patchSize * CHANNELS;
  const numPatches = (height / patchSize) * columns;
  if (
    image.length !== numPatches * patchValues ||
    mask.length !== numPatches ||
    prediction.length !== image.length
  ) {
    throw new ShapeError(
      `reconstruct: expected ${numPatches} patches of ${patchValues} values, got an image of ${image.length}, a mask of ${mask.length}, a prediction of ${prediction.length}`,
    );
  }
  const masked = image.slice();
  const reconstructed = image.slice();
  const rowValues = patchSize * CHANNELS;
  for (let patch = 0; patch < numPatches; patch++) {
    if (mask[patch] === 0) continue;
    const [row, column] = [Math.floor(patch / columns), patch % columns];
    const starts = Array.from(
      { length: patchSize },
      (_, y) => (row * patchSize + y) * width * CHANNELS + column * rowValues,
    );
    const { mean, deviation } = normPixLoss
      ? patchStatistics(image, starts, rowValues)
      : { mean: 0, deviation: 1 };
    starts.forEach((start, y) => {
      masked.fill(0, start, start + rowValues);
      for (let i = 0; i < rowValues; i++)
        reconstructed[start + i] =
          prediction[patch * patchValues + y * rowValues + i] * deviation + mean;
    });
  }
  return { masked, reconstructed };
}

/** The unbiased variance, as in the loss. */
function patchStatistics(
  image: Float32Array,
  starts: readonly number[],
  rowValues: number,
): { readonly mean: number; readonly deviation: number } {
  const rows = starts.map((start) => image.subarray(start, start + rowValues));
  const count = rows.length * rowValues;
  const total = (of: (v: number) => number): number =>
    rows.reduce((sum, row) => row.reduce((s, v) => s + of(v), sum), 0);
  const mean = total((v) => v) / count;
  const variance = total((v) => (v - mean) ** 2) / (count - 1);
  return { mean, deviation: Math.sqrt(variance + VARIANCE_EPS) };
}
