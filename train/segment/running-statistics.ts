import { ConfigError } from '../../core/errors.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { HostTensors } from '../../engine/runtime/program.js';
import { statisticsName } from '../../models/upernet.js';
import type { Communicator } from '../distributed/communicator.js';
import { joinMoments, updateRunningMoments, type Moments } from '../distributed/moments.js';

/** Statistics of a batch norm over one or several batches. */
interface Seen {
  /** `[C]`, sums in float64. */
  readonly mean: Float64Array;
  /** `[C]`, biased. */
  readonly variance: Float64Array;
  readonly count: number;
}

/**
 * Updates the running statistics of a model's batch norms: `(1 − momentum) · running + momentum · batch`, with unbiased
 * variance as in PyTorch. The moments of several batches are combined exactly, as for one large batch.
 *
 * @param batches outputs of the training program, one per micro-batch
 * @param communicator processes with other batches; a single one if the statistics already cover all processes
 * @throws ConfigError if a batch lacks the statistics of a batch norm
 * @see {@link statisticsName}
 */
export async function updateRunningStatistics(
  store: ParameterStore,
  batches: readonly HostTensors[],
  momentum: number,
  communicator: Communicator,
): Promise<void> {
  for (const { path } of store.entries) {
    if (!path.endsWith('.running_mean')) continue;
    const norm = path.slice(0, -'.running_mean'.length);
    const own = batches.map((outputs) => seenBy(norm, outputs)).reduce(join);
    const joined = communicator.size === 1 ? own : await joinMoments(communicator, single(own));
    updateRunningMoments(store, norm, joined, momentum);
  }
}

/** Copies the statistics of a training program's outputs until the end of a step. */
export function copyStatistics(outputs: HostTensors): HostTensors {
  return Object.fromEntries(
    Object.entries(outputs)
      .filter(([name]) => /^(mean|variance|count):/.test(name))
      .map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
  );
}

function seenBy(norm: string, outputs: HostTensors): Seen {
  const find = (kind: 'mean' | 'variance' | 'count'): Float64Array => {
    const name = statisticsName(kind, norm);
    if (!outputs[name])
      throw new ConfigError(`running statistics: expected the output ${name}, got none`);
    return Float64Array.from(outputs[name].data);
  };
  return { mean: find('mean'), variance: find('variance'), count: find('count')[0] };
}

function single({ mean, variance, count }: Seen): Moments {
  return { mean: Float32Array.from(mean), variance: Float32Array.from(variance), count };
}

function join(a: Seen, b: Seen): Seen {
  const count = a.count + b.count;
  const [shareA, shareB] = [a.count / count, b.count / count];
  return {
    count,
    mean: a.mean.map((mean, c) => shareA * mean + shareB * b.mean[c]),
    variance: a.variance.map(
      (variance, c) =>
        shareA * variance + shareB * b.variance[c] + shareA * shareB * (a.mean[c] - b.mean[c]) ** 2,
    ),
  };
}
