import type { ParameterStore } from '../../engine/parameters/store.js';
import type { Communicator } from './communicator.js';

/** Mean and biased variance of values per channel. */
export interface Moments {
  /** `[C]` */
  readonly mean: Float32Array | Float64Array;
  /** `[C]` */
  readonly variance: Float32Array | Float64Array;
  /** Number of values per channel. */
  readonly count: number;
}

/** Combines the moments of two sets of values in float64, as if they were one. */
export function combineMoments(a: Moments, b: Moments): Moments {
  const count = a.count + b.count;
  const [weightA, weightB] = [a.count / count, b.count / count];
  return {
    count,
    mean: Float64Array.from(a.mean, (mean, c) => weightA * mean + weightB * b.mean[c]),
    variance: Float64Array.from(
      a.variance,
      (variance, c) =>
        weightA * variance +
        weightB * b.variance[c] +
        weightA * weightB * (a.mean[c] - b.mean[c]) ** 2,
    ),
  };
}

/** Combines the moments of all processes in float32. One process: its own. */
export async function joinMoments(communicator: Communicator, own: Moments): Promise<Moments> {
  if (communicator.size === 1) return own;
  const { count } = own;
  const [mean, variance] = [own.mean, own.variance].map((values) => Float32Array.from(values));
  const C = mean.length;
  const sums = new Float32Array(2 * C + 1);
  for (let c = 0; c < C; c++) {
    sums[c] = count * mean[c];
    sums[C + c] = count * (variance[c] + mean[c] ** 2);
  }
  sums[2 * C] = count;
  await communicator.allReduceSum(sums, { what: 'batch norms' });
  const total = sums[2 * C];
  const joined = sums.subarray(0, C).map((sum) => sum / Math.max(1, total));
  return {
    mean: joined,
    variance: joined.map((m, c) => Math.max(0, sums[C + c] / Math.max(1, total) - m ** 2)),
    count: total,
  };
}

/**
 * Updates the running statistics of a batch norm: `(1 − momentum) · running + momentum · batch`, the variance unbiased
 * (`count / (count − 1)`) as in PyTorch. Without values nothing changes.
 *
 * @param norm path of the batch norm
 * @param moments mean and biased variance `[C]` of `count` values per channel
 */
export function updateRunningMoments(
  store: ParameterStore,
  norm: string,
  { mean, variance, count }: Moments,
  momentum: number,
): void {
  if (count === 0) return;
  const runningMean = store.get(`${norm}.running_mean`);
  const runningVariance = store.get(`${norm}.running_var`);
  const unbiased = count / Math.max(1, count - 1);
  for (let c = 0; c < mean.length; c++) {
    runningMean[c] += momentum * (mean[c] - runningMean[c]);
    runningVariance[c] += momentum * (variance[c] * unbiased - runningVariance[c]);
  }
}
