import { ConfigError } from '../../core/errors.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { HostTensors } from '../../engine/runtime/program.js';
import { statisticsName } from '../../models/upernet.js';
import type { Communicator } from '../distributed/communicator.js';
import {
  combineMoments,
  joinMoments,
  updateRunningMoments,
  type Moments,
} from '../distributed/moments.js';

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
    const own = batches.map((outputs) => momentsOf(norm, outputs)).reduce(combineMoments);
    updateRunningMoments(store, norm, await joinMoments(communicator, own), momentum);
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

function momentsOf(norm: string, outputs: HostTensors): Moments {
  const find = (kind: 'mean' | 'variance' | 'count'): Float64Array => {
    const name = statisticsName(kind, norm);
    if (!outputs[name])
      throw new ConfigError(`running statistics: expected the output ${name}, got none`);
    return Float64Array.from(outputs[name].data);
  };
  return { mean: find('mean'), variance: find('variance'), count: find('count')[0] };
}
