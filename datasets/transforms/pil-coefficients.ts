import * as t from '../../core/schema.js';
/** Pillow's antialiased filters. Support is in output pixels for downscaling, in input pixels for upscaling. */
export const PilFilter = t.oneOf('bicubic', 'bilinear');
export type PilFilter = t.Infer<typeof PilFilter>;

/** Fractional bits; 8 bits are for the pixel and 2 for sums of weights above 1. */
const PRECISION_BITS = 32 - 8 - 2;

/**
 * Weights of one axis: output `i` is the sum over `t` of `weight[i, t] · input[first[i] + t]`. Taps come in pairs,
 * possibly padded with a zero weight, and weights are split for 16-bit multiplication: `weight = high · 2¹¹ + low`.
 */
export interface AxisWeights {
  /** `int32 [length]`. */
  readonly first: Int32Array;
  /** `int32 [length]`: number of inputs. */
  readonly count: Int32Array;
  /** `int32 [length]`: number of pairs of taps. */
  readonly numPairs: Int32Array;
  /** Largest number of pairs per output. */
  readonly maxPairs: number;
  /** `int32 [length, maxPairs, 2]`: two packed high parts, then two packed low parts. */
  readonly weights: Int32Array;
}

/** Number of bits of the low part. */
const LOW_BITS = 11;
const LOW_MASK = (1 << LOW_BITS) - 1;

/** One axis of a resize: range of the input, number of outputs, and the outputs to compute. */
interface AxisResize {
  readonly inputLength: number;
  readonly outputLength: number;
  /** Range of the input covered by the outputs; may be fractional. Taps may extend beyond it. */
  readonly from: number;
  readonly to: number;
  /** First output to compute. */
  readonly offset: number;
  /** Number of outputs to compute. */
  readonly length: number;
  /** Whether to reverse the order of outputs. */
  readonly mirrored?: boolean;
}

const SUPPORT: Readonly<Record<PilFilter, number>> = { bicubic: 2, bilinear: 1 };

function bicubic(signed: number): number {
  const x = Math.abs(signed);
  if (x < 1) return ((-0.5 + 2) * x - (-0.5 + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

function bilinear(signed: number): number {
  const x = Math.abs(signed);
  return x < 1 ? 1 - x : 0;
}

/**
 * Computes fixed-point weights exactly like Pillow: the filter is widened by the downscaling factor (antialiasing), cut
 * at the image border and normalized in float64, then rounded to 22 bits.
 *
 * @see Pillow 9.4, src/libImaging/Resample.c, precompute_coeffs and normalize_coeffs_8bpc
 */
export function axisWeights(filter: PilFilter, axis: AxisResize): AxisWeights {
  const evaluate = filter === 'bicubic' ? bicubic : bilinear;
  // Pillow passes the box as float32.
  const from = Math.fround(axis.from);
  const scale = Math.fround(Math.fround(axis.to) - from) / axis.outputLength;
  const stretch = Math.max(scale, 1);
  const support = SUPPORT[filter] * stretch;
  const taps = Math.ceil(support) * 2 + 1;
  const maxPairs = Math.ceil(taps / 2);
  const [first, count, numPairs] = [0, 1, 2].map(() => new Int32Array(axis.length));
  const weights = new Int32Array(axis.length * maxPairs * 2);
  const row = new Float64Array(taps + 1);
  const fixed = new Int32Array(taps + 1);
  for (let i = 0; i < axis.length; i++) {
    const output = axis.offset + (axis.mirrored ? axis.length - 1 - i : i);
    const center = from + (output + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const n = Math.min(Math.trunc(center + support + 0.5), axis.inputLength) - start;
    let sum = 0;
    for (let t = 0; t < n; t++)
      sum += row[t] = evaluate((t + start - center + 0.5) * (1 / stretch));
    first[i] = start;
    count[i] = n;
    numPairs[i] = (n + 1) >> 1;
    fixed[n] = 0;
    for (let t = 0; t < n; t++) {
      const weight = (sum === 0 ? row[t] : row[t] / sum) * (1 << PRECISION_BITS);
      fixed[t] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    for (let t = 0, w = i * maxPairs * 2; t < n; t += 2, w += 2) {
      const [a, b] = [fixed[t], fixed[t + 1]];
      weights[w] = ((a >> LOW_BITS) & 0xffff) | ((b >> LOW_BITS) << 16);
      weights[w + 1] = (a & LOW_MASK) | ((b & LOW_MASK) << 16);
    }
  }
  return { first, count, numPairs, maxPairs, weights };
}
