import { ConfigError } from '../core/errors.js';
import { createFlatBuffers, type FlatBuffers } from '../engine/optimizer/flat-buffers.js';
import type { SpecTree } from '../engine/parameters/spec.js';
import { ParameterStore, parameterSize } from '../engine/parameters/store.js';
import type { Engine } from '../engine/runtime/engine.js';
import { restoreRun, type RestoredRun } from './checkpoints.js';
import type { Communicator } from './distributed/communicator.js';
import { SINGLE_PROCESS } from './distributed/communicator.js';
import { startTogether } from './distributed/start.js';
import type { OptimizerConfig } from './config/loop.js';
import type { LogRecord } from './run-settings.js';

/** What a training run is asked to do, whatever its task. */
export interface RunOptions {
  readonly engine: Engine;
  readonly folder: string;
  readonly seed: number;
  /** Weight file to start from. */
  readonly weights?: string;
  /** Go on from the newest checkpoint of the folder. */
  readonly resume: boolean;
  readonly maxSteps: number | null;
  readonly signal?: AbortSignal;
  readonly onRecord?: (record: LogRecord) => void;
  /** Told what a resumed run starts from. */
  readonly onRestored?: (restored: RestoredRun) => void;
  readonly onNotice?: (line: string) => void;
  /** The processes that train together; one if not given. */
  readonly communicator?: Communicator;
}

/** The part of a configuration that says what is kept beside parameters and gradients. */
export interface OptimizerState {
  readonly optimizer: OptimizerConfig;
  readonly emaDecay: number | null;
  readonly accumulation: number;
}

/** A run that is ready for its first step. */
export interface StartedRun {
  readonly buffers: FlatBuffers;
  readonly store: ParameterStore;
  /** Absent in a new run. */
  readonly restored: RestoredRun | undefined;
}

/**
 * The parameters of a run with what its optimiser keeps: of the newest checkpoint where it is resumed, else from the seed, with
 * the weights that it starts from over them. The same on all processes.
 *
 * @param loadWeights fills the parameters that a weight file has
 * @throws ConfigError if there is no checkpoint to resume from; WeightsError if the weights do not fit
 */
export async function startRun(
  specs: SpecTree,
  config: OptimizerState,
  { communicator = SINGLE_PROCESS, folder, seed, resume, weights, onRestored }: RunOptions,
  loadWeights: (file: string, store: ParameterStore) => Promise<unknown>,
): Promise<StartedRun> {
  const buffers = createFlatBuffers(parameterSize(specs), {
    moments: config.optimizer.kind === 'adamw' ? 2 : 1,
    ema: config.emaDecay !== null,
    microGradients: config.accumulation > 1,
  });
  const store = new ParameterStore(specs, buffers.parameters);
  const restored = await startTogether(communicator, buffers, async () => {
    if (resume) {
      const found = await restoreRun(folder, store, buffers);
      if (!found)
        throw new ConfigError(`train: expected a checkpoint in ${folder} to resume from, got none`);
      onRestored?.(found);
      return found;
    }
    store.initialize(seed);
    if (weights) await loadWeights(weights, store);
    return undefined;
  });
  return { buffers, store, restored };
}
