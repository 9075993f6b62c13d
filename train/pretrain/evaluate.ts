import { fcmaeInputs } from '../../backbone/fcmae-inputs.js';
import type { PatchMask } from '../../backbone/masking.js';
import type { RgbImage } from '../../core/image.js';
import type { PixelStats } from '../../datasets/transforms/normalize.js';
import type { Executable } from '../../engine/runtime/program.js';
import type { FcmaeConfig } from '../../backbone/fcmae.js';
import { reconstruct } from '../../models/fcmae-reconstruction.js';
import type { ClassificationLoader } from '../classify/loader.js';
import type { Scalars } from '../trainer.js';
import { fixedMasks } from './masks.js';

/** Arguments of {@link evaluateFcmae}. */
interface EvaluateFcmaeOptions {
  readonly config: FcmaeConfig;
  readonly pixels: PixelStats;
  /** `inference` of an autoencoder. */
  readonly program: Executable;
  readonly loader: ClassificationLoader;
  /** Number of pictures to draw. */
  readonly numPictures: number;
  /** Called with each picture: original, masked and reconstructed image side by side. */
  readonly onPicture?: ((index: number, picture: RgbImage) => void) | undefined;
}

/**
 * Computes the mean loss on held-out images with fixed masks. With normalized pixels, predicting zero gives a loss of
 * (almost exactly) 1, so `explained` = 1 − loss is the explained fraction of the variance.
 *
 * @returns `loss`, `explained`, `count`
 */
export async function evaluateFcmae(options: EvaluateFcmaeOptions): Promise<Scalars> {
  const { config, program, loader, numPictures, onPicture } = options;
  let total = 0;
  let count = 0;
  for await (const batch of loader.epoch(0)) {
    const { images, shape, indices } = batch.value;
    const mask = fixedMasks(shape, config, indices);
    const inputs = fcmaeInputs({ shape, data: images }, mask, config.patchSize);
    const { loss, prediction } = await program.run(inputs);
    total += loss.data[0] * indices.length; // every image has the same number of removed patches
    count += indices.length;
    for (const [n, index] of indices.entries())
      if (index < numPictures)
        onPicture?.(index, picture(options, images, prediction.data as Float32Array, mask, n));
    batch.release();
  }
  return { loss: total / count, explained: 1 - total / count, count };
}

/** Original, masked and reconstructed image side by side. */
function picture(
  { config: { patchSize, normPixLoss }, pixels }: EvaluateFcmaeOptions,
  images: Float32Array,
  predictions: Float32Array,
  { grid, mask: masks }: PatchMask,
  n: number,
): RgbImage {
  const [height, width] = [grid.rows * patchSize, grid.columns * patchSize];
  const values = height * width * 3;
  const patches = grid.rows * grid.columns;
  const part = (all: Float32Array, size: number): Float32Array =>
    all.subarray(n * size, (n + 1) * size);
  const image = part(images, values);
  const { masked, reconstructed } = reconstruct({
    height,
    width,
    patchSize,
    normPixLoss,
    image,
    mask: part(masks, patches),
    prediction: part(predictions, values),
  });
  const data = new Uint8Array(3 * values);
  [image, masked, reconstructed].forEach((panel, column) => {
    for (let i = 0; i < values; i++) {
      const channel = i % 3;
      const value = Math.round(255 * (panel[i] * pixels.std[channel] + pixels.mean[channel]));
      const row = Math.floor(i / (width * 3));
      data[(row * 3 + column) * width * 3 + (i % (width * 3))] = Math.max(0, Math.min(255, value));
    }
  });
  return { width: 3 * width, height, data };
}
