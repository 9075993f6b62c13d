import { assertList, assertNumber } from '../core/arguments.js';
import { ShapeError } from '../core/errors.js';

/**
 * Feature collapse: the mean of `(1 − cos) / 2` over all pairs of channels, including each channel with itself. Near 0 if
 * channels are copies of each other.
 *
 * The sum over pairs is the squared length of the sum of the unit channels: `(1 − |Σ uᵢ|² / C²) / 2`, so no `[C, C]`
 * matrix is needed. A channel that is zero everywhere has cosine 0 with every channel, including itself.
 *
 * @param activations `[H, W, C]`, channels last, any H and W
 * @param numChannels C
 * @returns 0–0.5, and NaN without channels
 * @throws ShapeError if the length is no multiple of C
 * @see ConvNeXt V2, section 3.1: https://arxiv.org/abs/2301.00808
 */
export function meanChannelCosineDistance(
  activations: Float32Array | Float64Array,
  numChannels: number,
): number {
  assertList('meanChannelCosineDistance', 'activations as a typed array', activations);
  assertNumber('meanChannelCosineDistance', 'the number of channels', numChannels);
  const C = numChannels;
  if (activations.length % C !== 0 || (C === 0 && activations.length > 0))
    throw new ShapeError(
      `meanChannelCosineDistance: expected a multiple of ${C} activations, got ${activations.length}`,
    );
  const inverseNorms = new Float64Array(C);
  for (let i = 0; i < activations.length;) {
    for (let c = 0; c < C; c++, i++) inverseNorms[c] += activations[i] * activations[i];
  }
  // No epsilon, which would shrink small channels: float64 can represent the square of every nonzero float32.
  for (let c = 0; c < C; c++)
    inverseNorms[c] = inverseNorms[c] > 0 ? 1 / Math.sqrt(inverseNorms[c]) : 0;
  let squaredLength = 0;
  for (let i = 0; i < activations.length;) {
    let sum = 0; // sum of the unit channels at this position
    for (let c = 0; c < C; c++, i++) sum += activations[i] * inverseNorms[c];
    squaredLength += sum * sum;
  }
  return (1 - squaredLength / (C * C)) / 2;
}
