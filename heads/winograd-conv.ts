import { withGradient } from '../engine/ops/with-gradient.js';
import * as tf from '../engine/tfjs.js';
import { axisTransforms, PATCH, PRODUCTS, TILE, twoAxes } from './winograd.js';

/** Transform matrices, applied from the left; row-major. */
const TRANSFORMS = (() => {
  const { input, filter, output } = axisTransforms();
  return {
    /** `[36, 36]`, applied to the pixels of a patch. */
    input: twoAxes(input),
    /** `[36, 9]`, applied to the filter's taps, and its transpose `[9, 36]`. */
    filter: twoAxes(filter),
    filterGradient: twoAxes(filter, 'transposed'),
    /** `[16, 36]`, applied to the products, and its transpose `[36, 16]`. */
    output: twoAxes(output),
    outputGradient: twoAxes(output, 'transposed'),
  };
})();

/**
 * 3×3 convolution with stride 1 and zero padding by Winograd's method: a quarter of the multiplications, in large matrix
 * products, for the forward pass and both gradients.
 *
 * @param x `[N, H, W, in]`
 * @param weight `[3, 3, in, out]`
 * @returns `[N, H, W, out]`
 */
export function winogradConv(x: tf.Tensor4D, weight: tf.Tensor4D): tf.Tensor4D {
  return withGradient(
    [x, weight],
    (input, kernel) => {
      const { value, factors } = tf.tidy(() => convolve(input, kernel));
      return { value, saved: [kernel, ...factors] };
    },
    (dy, [kernel, ...factors]) => [
      tf.tidy(() => inputGradient(dy, kernel)),
      tf.tidy(() => weightGradient(factors, dy, kernel.shape)),
    ],
  );
}

type Matrix = (typeof TRANSFORMS)['input'];

/** Computes `matrix · x` over the first axis. */
function transform({ data, shape }: Matrix, x: tf.Tensor): tf.Tensor2D {
  const flat = x.reshape([shape[1], -1]) as tf.Tensor2D;
  return tf.matMul(tf.tensor2d(data, shape), flat);
}

const tilesOf = (size: number): number => Math.ceil(size / TILE);

/** Rows of tiles that are processed together: `first … first + count − 1`. */
interface Band {
  readonly first: number;
  readonly count: number;
}

/** Approximate number of tiles processed together: more tiles need more memory, fewer make the products small. */
const TILES_AT_ONCE = 512;

/** A power of two of about equal bands, so that maps of similar sizes have graphs of one structure. */
function bandsOf([n, h, w]: readonly number[]): readonly Band[] {
  const rows = tilesOf(h);
  const wanted = Math.log2((n * rows * tilesOf(w)) / TILES_AT_ONCE);
  const numBands = Math.min(rows, 2 ** Math.max(0, Math.round(wanted)));
  const first = (band: number): number => Math.floor((band * rows) / numBands);
  return Array.from({ length: numBands }, (_, i) => ({
    first: first(i),
    count: first(i + 1) - first(i),
  }));
}

/**
 * Lists the pixels of a band's patches, 6×6 pixels around each 4×4 tile: sums of rows and columns, because a table for every
 * size of a map would stay in memory.
 *
 * @param shape `[N, H, W, C]`
 * @returns `int32 [36 · T]`, patch pixel before image, row and column of the tile: positions among the `N · H · W` pixels, that
 *   number for pixels outside of the image
 */
function patchPixels([n, h, w]: readonly number[], { first, count }: Band): tf.Tensor1D {
  const [columns, outside] = [tilesOf(w), n * h * w];
  const ofRows = new Int32Array(PATCH * n * count).map((_, i) => {
    const [dy, image, row] = [Math.floor(i / (n * count)), Math.floor(i / count) % n, i % count];
    const y = TILE * (first + row) + dy - 1;
    return y >= 0 && y < h ? (image * h + y) * w : outside;
  });
  const ofColumns = new Int32Array(PATCH * columns).map((_, i) => {
    const x = TILE * (i % columns) + Math.floor(i / columns) - 1;
    return x >= 0 && x < w ? x : outside;
  });
  return tf
    .tensor(ofRows, [PATCH, 1, n * count, 1], 'int32')
    .add(tf.tensor(ofColumns, [1, PATCH, 1, columns], 'int32'))
    .minimum(tf.scalar(outside, 'int32'))
    .reshape([-1]);
}

/**
 * Computes, for every band, the transformed patches of 6×6 pixels around its 4×4 tiles.
 *
 * @param x `[N, H, W, C]`
 * @returns `[36, T, C]` for every band, tiles by image, row, column
 */
function inputFactors(x: tf.Tensor4D): readonly tf.Tensor3D[] {
  const [n, h, w, c] = x.shape;
  const zeros = tf.zeros<tf.Rank.R2>([1, c]);
  const pixels = tf.concat([x.reshape<tf.Tensor2D>([n * h * w, c]), zeros]); // [N·H·W + 1, C]
  return bandsOf(x.shape).map((band) => {
    const patches = tf.gather(pixels, patchPixels(x.shape, band)); // [36·T, C]
    return transform(TRANSFORMS.input, patches).reshape([PRODUCTS, -1, c]);
  });
}

/** Transforms weights, `[3, 3, in, out]` to `[36, in, out]`. */
function filterFactors(weight: tf.Tensor): tf.Tensor3D {
  const [, , inChannels, outChannels] = weight.shape;
  return transform(TRANSFORMS.filter, weight).reshape([PRODUCTS, inChannels, outChannels]);
}

/** Computes the convolution, and the transformed input for the gradient of the weight. */
function convolve(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
): { readonly value: tf.Tensor4D; readonly factors: tf.Tensor3D[] } {
  const [n, h, w] = x.shape;
  const channels = weight.shape[3];
  const columns = tilesOf(w);
  const taps = filterFactors(weight);
  const factors = [...inputFactors(x)];
  const parts = bandsOf(x.shape).map(({ count }, i) =>
    transform(TRANSFORMS.output, tf.matMul(factors[i], taps)) // [16, T·out]
      .reshape([TILE, TILE, n * count, columns, channels])
      .transpose([2, 0, 3, 1, 4])
      .reshape<tf.Tensor4D>([n, TILE * count, TILE * columns, channels]),
  );
  const whole = parts.length === 1 ? parts[0] : tf.concat(parts, 1);
  return { value: whole.slice([0, 0, 0, 0], [n, h, w, channels]), factors };
}

/**
 * Splits the output's gradient into the pixels of every band, `[16, T·K]`: the transpose of the assembly in
 * {@link convolve}.
 */
function outputTiles(y: tf.Tensor4D): readonly tf.Tensor2D[] {
  const [n, h, w, channels] = y.shape;
  const [rows, columns] = [tilesOf(h), tilesOf(w)];
  const padded = y.pad([
    [0, 0],
    [0, TILE * rows - h],
    [0, TILE * columns - w],
    [0, 0],
  ]);
  return bandsOf(y.shape).map(({ first, count }) =>
    padded
      .slice([0, TILE * first, 0, 0], [n, TILE * count, TILE * columns, channels])
      .reshape([n * count, TILE, columns, TILE, channels])
      .transpose([1, 3, 0, 2, 4])
      .reshape([TILE * TILE, -1]),
  );
}

/** Gradient of the input: a convolution of the output's gradient with the rotated kernel and swapped channels. */
function inputGradient(dy: tf.Tensor4D, weight: tf.Tensor4D): tf.Tensor4D {
  const turned = weight.reverse([0, 1]).transpose<tf.Tensor4D>([0, 1, 3, 2]);
  return convolve(dy, turned).value;
}

/** @param factors transformed input of every band, `[36, T, in]` */
function weightGradient(
  factors: readonly tf.Tensor3D[],
  dy: tf.Tensor4D,
  shape: readonly [number, number, number, number],
): tf.Tensor4D {
  const [, , inChannels, outChannels] = shape;
  const tiles = outputTiles(dy);
  const parts = factors.map((band, i) => {
    const products = transform(TRANSFORMS.outputGradient, tiles[i]); // [36, T·out]
    const ofBand = products.reshape<tf.Tensor3D>([PRODUCTS, band.shape[1], outChannels]);
    return tf.matMul(band, ofBand, true, false); // [36, in, out]
  });
  const flat = tf.addN(parts).reshape([PRODUCTS, inChannels * outChannels]);
  return transform(TRANSFORMS.filterGradient, flat).reshape([...shape]);
}
