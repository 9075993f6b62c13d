import { joined } from '../../core/joined.js';
import type { RgbImage } from '../../core/image.js';
import { resizeForEvaluation } from '../../datasets/transforms/evaluation.js';
import {
  normalizationTable,
  normalizeInto,
  type PixelStats,
} from '../../datasets/transforms/normalize.js';
import type { HostTensor } from '../../engine/runtime/program.js';
import type { ClassifierCard } from '../card.js';

/**
 * Converts an image to the classifier's input: resized, cropped to a square and normalized. Loaders take the two steps apart,
 * the first one in their threads.
 *
 * @returns `[1, S, S, 3]`
 */
export function classifierInput(
  image: RgbImage,
  { pixels, resize }: Pick<ClassifierCard, 'pixels' | 'resize'>,
): HostTensor {
  return normalizedInputs(resizeForEvaluation(image, resize).data, resize.inputSize, pixels);
}

/**
 * Normalizes resized images: the second step of {@link classifierInput}.
 *
 * @param images `[N, S, S, 3]`
 * @param side S
 * @param data memory of the result
 * @returns `[N, S, S, 3]`
 */
export function normalizedInputs(
  images: Uint8Array,
  side: number,
  pixels: PixelStats,
  data = new Float32Array(images.length),
): HostTensor & { readonly data: Float32Array } {
  const rows = { width: side, height: images.length / (3 * side), data: images };
  normalizeInto(rows, normalizationTable(pixels), data, { offset: 0 });
  return { shape: [rows.height / side, side, side, 3], data };
}

/** Joins inputs of equal size to a batch. */
export function joinedInputs(inputs: readonly HostTensor[]): HostTensor {
  if (inputs.length === 1) return inputs[0];
  const [{ shape, data }] = inputs;
  const Type: new (length: number) => Uint8Array | Float32Array =
    data instanceof Uint8Array ? Uint8Array : Float32Array;
  const all = inputs.map((input) => input.data as Uint8Array | Float32Array);
  const N = inputs.reduce((sum, input) => sum + input.shape[0], 0);
  return { shape: [N, ...shape.slice(1)], data: joined(all, Type) };
}
