import * as t from '../../core/schema.js';
import type { Communicator } from './communicator.js';

/**
 * SyncBN scope: the images over which batch norms take statistics in training:
 * - `microBatch`: those of one micro-batch of one process
 * - `ranks`: those of one micro-batch of all processes (SyncBN)
 * - `step`: all images of a step, over all processes and micro-batches
 *
 * Running statistics always use all images of a step.
 */
export const BatchNormScope = t.oneOf('microBatch', 'ranks', 'step');
export type BatchNormScope = t.Infer<typeof BatchNormScope>;

/** Outputs of a convolution that is followed by batch norm and ReLU. */
interface NormInput {
  /** `[P, C]` each: the positions of every micro-batch of this process in the scope. */
  readonly x: readonly Float32Array[];
  /** `[C]` */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** A batch norm with its statistics. */
export interface BatchNorm extends NormInput {
  /** `[C]`, over the positions of all processes. */
  readonly mean: Float32Array;
  /** `[C]`, biased. */
  readonly variance: Float32Array;
  readonly inverseDeviation: Float32Array;
  /** Number of positions over all processes; if 0, mean and variance are 0. */
  readonly count: number;
}

/**
 * Computes the statistics of several independent batch norms over all processes and micro-batches, with two exchanges in
 * total.
 */
export async function batchNorms(
  communicator: Communicator,
  inputs: readonly NormInput[],
  eps: number,
): Promise<readonly BatchNorm[]> {
  const means = await channelMeans(communicator, inputs);
  const variances = await channelMeans(
    communicator,
    inputs,
    means.map(({ values }) => values),
  );
  return inputs.map((input, m) => ({
    ...input,
    mean: means[m].values,
    variance: variances[m].values,
    inverseDeviation: variances[m].values.map((v) => 1 / Math.sqrt(v + eps)),
    count: means[m].count,
  }));
}

/**
 * Batch norm and ReLU of one micro-batch.
 *
 * @param y `[P, C]` or longer: destination of the result
 */
export function normalizeInto(norm: BatchNorm, microBatch: number, y: Float32Array): void {
  const x = norm.x[microBatch];
  const { scale, shift } = affine(norm);
  const C = scale.length;
  for (let i = 0; i < x.length; i += C)
    for (let c = 0; c < C; c++) y[i + c] = Math.max(0, x[i + c] * scale[c] + shift[c]);
}

/** Gradients of scale and shift, summed over this process's positions. */
interface NormGradients {
  /** `[C]` */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/**
 * Backward pass of norms and ReLUs for the sum of the losses of all processes and micro-batches.
 *
 * @param gradients `[P, C]` or longer: gradients of the results of every norm by micro-batch; overwritten with those of
 *   the norms' inputs
 */
export async function normalizeBackward(
  communicator: Communicator,
  norms: readonly BatchNorm[],
  gradients: readonly (readonly Float32Array[])[],
): Promise<readonly NormGradients[]> {
  const own = norms.map((norm, m) => {
    const { mean, inverseDeviation } = norm;
    const { scale, shift } = affine(norm);
    const C = mean.length;
    const [weight, bias] = [new Float64Array(C), new Float64Array(C)];
    norm.x.forEach((x, microBatch) => {
      const dy = gradients[m][microBatch];
      for (let i = 0; i < x.length; i += C)
        for (let c = 0; c < C; c++) {
          if (!(x[i + c] * scale[c] + shift[c] > 0)) dy[i + c] = 0;
          bias[c] += dy[i + c];
          weight[c] += dy[i + c] * (x[i + c] - mean[c]) * inverseDeviation[c];
        }
    });
    return { weight: Float32Array.from(weight), bias: Float32Array.from(bias) };
  });
  const sums = Float32Array.from(own.flatMap(({ weight, bias }) => [...weight, ...bias]));
  await communicator.allReduceSum(sums, { what: 'batch norms' });
  let at = 0;
  norms.forEach(({ x: microBatches, weight, mean, inverseDeviation, count }, m) => {
    const C = mean.length;
    const [ofWeight, ofBias] = [sums.subarray(at, at + C), sums.subarray(at + C, at + 2 * C)];
    at += 2 * C;
    microBatches.forEach((x, microBatch) => {
      const dx = gradients[m][microBatch];
      for (let i = 0; i < x.length; i += C)
        for (let c = 0; c < C; c++) {
          const normal = (x[i + c] - mean[c]) * inverseDeviation[c];
          const centered = dx[i + c] - (ofBias[c] + normal * ofWeight[c]) / count;
          dx[i + c] = weight[c] * inverseDeviation[c] * centered;
        }
    });
  });
  return own;
}

/** Computes `x · scale + shift` in float64, to preserve small differences from a large mean. */
function affine({ weight, bias, mean, inverseDeviation }: BatchNorm): {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
} {
  const scale = Float64Array.from(weight, (w, c) => w * inverseDeviation[c]);
  return { scale, shift: scale.map((s, c) => bias[c] - mean[c] * s) };
}

/**
 * Computes means over the positions of all processes, for several modules in one exchange; with `about`, means of squared
 * distances from it.
 */
async function channelMeans(
  communicator: Communicator,
  modules: readonly NormInput[],
  about?: readonly Float32Array[],
): Promise<readonly { readonly values: Float32Array; readonly count: number }[]> {
  const own = modules.map(({ x: microBatches, weight }, m) => {
    const C = weight.length;
    const sums = new Float64Array(C);
    const center = about?.[m];
    for (const x of microBatches)
      for (let i = 0; i < x.length; i += C)
        for (let c = 0; c < C; c++) sums[c] += center ? (x[i + c] - center[c]) ** 2 : x[i + c];
    return [microBatches.reduce((rows, x) => rows + x.length / C, 0), ...sums];
  });
  const totals = Float32Array.from(own.flat());
  await communicator.allReduceSum(totals, { what: 'batch norms' });
  let at = 0;
  return modules.map(({ weight: { length } }) => {
    const count = totals[at];
    const sums = totals.slice(at + 1, at + 1 + length);
    at += 1 + length;
    return { values: sums.map((sum) => sum / Math.max(1, count)), count };
  });
}
