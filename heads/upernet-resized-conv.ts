import * as tf from '../engine/tfjs.js';
import { assertShape } from '../core/shape.js';
import { bilinearMatrix, resizeBilinear } from '../engine/ops/resize.js';
import { conv3x3 } from './conv3x3.js';

/**
 * 3×3 convolution (zero padding) of maps that are resized to one size and concatenated, computed without the
 * concatenation: as a sum of one convolution per map, and for an upsampled map the nine taps are applied before
 * upsampling. Both operations are linear, so the result is the same; at a quarter of the size it is a ninth to a third of
 * the work.
 *
 * @param maps `[N, h, w, C_i]` each
 * @param weight `[3, 3, Σ C_i, K]`
 * @param size `[height, width]` of the result
 * @returns `[N, height, width, K]`
 * @throws ShapeError if the channels do not add up
 */
export function convOfResized(
  maps: readonly tf.Tensor4D[],
  weight: tf.Tensor4D,
  [height, width]: readonly [number, number],
): tf.Tensor4D {
  const [, , channels, outChannels] = weight.shape;
  const total = maps.reduce((sum, map) => sum + map.shape[3], 0);
  assertShape('convOfResized', weight, [3, 3, total, outChannels]);
  return tf.tidy(() => {
    const full: tf.Tensor4D[] = [];
    const fullWeights: tf.Tensor4D[] = [];
    const terms: tf.Tensor4D[] = [];
    let first = 0;
    for (const map of maps) {
      const [, h, w, c] = map.shape;
      const part = c === channels ? weight : weight.slice([0, 0, first, 0], [3, 3, c, outChannels]);
      first += c;
      if (2 * h * w > height * width) {
        full.push(resizeBilinear(map, [height, width]));
        fullWeights.push(part);
      } else terms.push(tapsBeforeResize(map, part, [height, width]));
    }
    if (full.length > 0) terms.push(conv3x3(joined(full, 3), { weight: joined(fullWeights, 2) }));
    return terms.length === 1 ? terms[0] : (tf.addN(terms) as tf.Tensor4D);
  });
}

function joined(tensors: readonly tf.Tensor4D[], axis: number): tf.Tensor4D {
  return tensors.length === 1 ? tensors[0] : tf.concat([...tensors], axis);
}

/** Contribution of one map to {@link convOfResized}, with the taps applied at the map's own size. */
function tapsBeforeResize(
  map: tf.Tensor4D,
  weight: tf.Tensor4D,
  [height, width]: readonly [number, number],
): tf.Tensor4D {
  const [n, h, w, c] = map.shape;
  const k = weight.shape[3];
  const byChannel = weight.transpose([2, 0, 1, 3]).reshape([c, 9 * k]) as tf.Tensor2D; // [C, 9K]
  const taps = map
    .reshape([n * h * w, c])
    .matMul(byChannel) // [N·h·w, 9K]
    .reshape([n, h, w, 3, 3, k])
    .transpose([0, 3, 1, 4, 2, 5]) // [N, 3, h, 3, w, K]
    .reshape([n * 3 * h, 3 * w, k]) as tf.Tensor3D;
  const horizontal = tf.tensor3d(shiftedBilinear(w, width), [1, width, 3 * w]);
  const vertical = tf.tensor3d(shiftedBilinear(h, height), [1, height, 3 * h]);
  const columns = tf.matMul(horizontal, taps).reshape([n, 3 * h, width * k]) as tf.Tensor3D;
  return tf.matMul(vertical, columns).reshape([n, height, width, k]); // [N, height, width, K]
}

/**
 * Matrix of interpolation and shift by the three taps: row `i` holds, for each tap `t`, the weights of position
 * `i + t − 1`, or zeros if that is in the padding.
 *
 * @returns `[outSize, 3 · inSize]`
 */
export function shiftedBilinear(inSize: number, outSize: number): Float32Array {
  const plain = bilinearMatrix(inSize, outSize); // [outSize, inSize]
  const matrix = new Float32Array(outSize * 3 * inSize);
  for (let i = 0; i < outSize; i++) {
    for (let tap = 0; tap < 3; tap++) {
      const from = i + tap - 1;
      if (from < 0 || from >= outSize) continue;
      const row = plain.subarray(from * inSize, (from + 1) * inSize);
      matrix.set(row, (3 * i + tap) * inSize);
    }
  }
  return matrix;
}
