import type { Communicator } from '../distributed/communicator.js';

/** A convolution's output with a batch norm and ReLU after it. */
export interface NormInput {
  /** `[P, C]`, positions of all images. */
  readonly x: Float32Array;
  /** `[C]` */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** A batch norm and ReLU that was applied. */
export interface Normalized extends NormInput {
  /** `[C]`, over the positions of all processes. */
  readonly mean: Float32Array;
  /** `[C]`, biased. */
  readonly variance: Float32Array;
  readonly inverseDeviation: Float32Array;
  /** Positions of all processes. */
  readonly count: number;
  /** `[P, C]` */
  readonly y: Float32Array;
}

/**
 * Batch norm with the statistics of all processes, then ReLU, for several independent modules: two exchanges for all of them.
 *
 * @param reuse arrays for the results, by module; made anew where they do not fit
 */
export async function normalize(
  communicator: Communicator,
  inputs: readonly NormInput[],
  eps: number,
  reuse: readonly (Float32Array | undefined)[] = [],
): Promise<readonly Normalized[]> {
  const means = await channelMeans(
    communicator,
    inputs.map(({ x, weight }) => ({
      rows: x.length / weight.length,
      channels: weight.length,
      value: (i) => x[i],
    })),
  );
  const variances = await channelMeans(
    communicator,
    inputs.map(({ x, weight }, m) => {
      const mean = means[m].values;
      return {
        rows: x.length / weight.length,
        channels: weight.length,
        value: (i, c) => (x[i] - mean[c]) ** 2,
      };
    }),
  );
  return inputs.map((input, m) => {
    const { x, weight, bias } = input;
    const mean = means[m].values;
    const variance = variances[m].values;
    const inverseDeviation = variance.map((v) => 1 / Math.sqrt(v + eps));
    const old = reuse[m];
    const y = old?.length === x.length ? old : new Float32Array(x.length);
    const C = weight.length;
    for (let i = 0; i < x.length; i += C)
      for (let c = 0; c < C; c++)
        y[i + c] = Math.max(0, (x[i + c] - mean[c]) * (inverseDeviation[c] * weight[c]) + bias[c]);
    return { ...input, mean, variance, inverseDeviation, count: means[m].count, y };
  });
}

/** Gradients of scale and shift over this process's positions; those of `x` are in place of those of `y`. */
export interface NormGradients {
  /** `[C]` */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/**
 * The backward pass of {@link normalize} for a loss that is the sum of the losses of all processes.
 *
 * @param gradients `[P, C]` of each `y`; on return of each `x`
 */
export async function normalizeBackward(
  communicator: Communicator,
  modules: readonly Normalized[],
  gradients: readonly Float32Array[],
): Promise<readonly NormGradients[]> {
  const own = modules.map(({ x, y, mean, inverseDeviation }, m) => {
    const C = mean.length;
    const dy = gradients[m];
    const [weight, bias] = [new Float64Array(C), new Float64Array(C)];
    for (let i = 0; i < x.length; i += C)
      for (let c = 0; c < C; c++) {
        if (!(y[i + c] > 0)) dy[i + c] = 0;
        bias[c] += dy[i + c];
        weight[c] += dy[i + c] * (x[i + c] - mean[c]) * inverseDeviation[c];
      }
    return { weight: Float32Array.from(weight), bias: Float32Array.from(bias) };
  });
  const sums = Float32Array.from(own.flatMap(({ weight, bias }) => [...weight, ...bias]));
  await communicator.allReduceSum(sums, { what: 'batch norms' });
  let at = 0;
  modules.forEach(({ x, weight, mean, inverseDeviation, count }, m) => {
    const C = mean.length;
    const dx = gradients[m];
    const [ofWeight, ofBias] = [sums.subarray(at, at + C), sums.subarray(at + C, at + 2 * C)];
    at += 2 * C;
    for (let i = 0; i < x.length; i += C)
      for (let c = 0; c < C; c++) {
        const normal = (x[i + c] - mean[c]) * inverseDeviation[c];
        const centred = dx[i + c] - (ofBias[c] + normal * ofWeight[c]) / count;
        dx[i + c] = weight[c] * inverseDeviation[c] * centred;
      }
  });
  return own;
}

/** Values by channel, to be averaged. */
interface Channels {
  readonly rows: number;
  readonly channels: number;
  readonly value: (index: number, channel: number) => number;
}

/** Means over the rows of all processes, for several modules in one exchange. */
async function channelMeans(
  communicator: Communicator,
  modules: readonly Channels[],
): Promise<readonly { readonly values: Float32Array; readonly count: number }[]> {
  const parts = modules.map(({ rows, channels, value }) => {
    const sums = new Float64Array(channels);
    for (let i = 0; i < rows * channels; i += channels)
      for (let c = 0; c < channels; c++) sums[c] += value(i + c, c);
    return [rows, ...sums];
  });
  const totals = Float32Array.from(parts.flat());
  await communicator.allReduceSum(totals, { what: 'batch norms' });
  let at = 0;
  return modules.map(({ channels }) => {
    const count = totals[at];
    const values = totals.slice(at + 1, at + 1 + channels).map((sum) => sum / count);
    at += 1 + channels;
    return { values, count };
  });
}
