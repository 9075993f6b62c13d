/** Pillow's antialiased filters. Support is in output pixels when reducing, in input pixels when enlarging. */
export type PilFilter = 'bicubic' | 'bilinear';

/** Bits after the point: 8 are the pixel's, 2 are left for the sum of weights beyond 1. */
export const PRECISION_BITS = 32 - 8 - 2;

/** The weights of one axis: output `i` is the sum over `t < count[i]` of `weights[i · taps + t] · input[first[i] + t]`. */
export interface AxisWeights {
  /** Slots an output, a multiple of 4; unused ones are zero. */
  readonly taps: number;
  /** `int32 [length]`. */
  readonly first: Int32Array;
  /** `int32 [length]`. */
  readonly count: Int32Array;
  /** `int32 [length, taps]`, fixed point with {@link PRECISION_BITS}. */
  readonly weights: Int32Array;
}

/** One axis of a resize: which part of the input goes to how many outputs, and which of those are wanted. */
export interface AxisResize {
  readonly inputLength: number;
  readonly outputLength: number;
  /** The part of the input that the outputs cover; may be fractional. Taps may reach beyond it. */
  readonly from: number;
  readonly to: number;
  /** First wanted output. */
  readonly offset: number;
  /** How many outputs are wanted. */
  readonly length: number;
  /** Yield the outputs in reverse order. */
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
 * Fixed-point weights exactly as Pillow computes them: the filter is widened by the reduction (antialiasing), cut at the
 * image border and normalised in float64, then rounded to 22 bits.
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
  // Whole groups of four, so that a pass may take four taps at once; Pillow's ceil(support) · 2 + 1 fit in.
  const taps = Math.ceil((Math.ceil(support) * 2 + 1) / 4) * 4;
  const first = new Int32Array(axis.length);
  const count = new Int32Array(axis.length);
  const weights = new Int32Array(axis.length * taps);
  const row = new Float64Array(taps);
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
    for (let t = 0; t < n; t++) {
      const weight = (sum === 0 ? row[t] : row[t] / sum) * (1 << PRECISION_BITS);
      weights[i * taps + t] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
  }
  return { taps, first, count, weights };
}
