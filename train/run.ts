import { ConfigError } from '../core/errors.js';
import { isEmaBetter } from '../weights/checkpoint-folder.js';
import { createFlatBuffers, type FlatBuffers } from '../engine/optimizer/flat-buffers.js';
import { ParameterStore, parameterSize } from '../engine/parameters/store.js';
import { restoreRun, type RestoredRun } from './checkpoints.js';
import { counted } from './data-facts.js';
import type { LoopConfig } from './config/loop.js';
import { startTogether } from './distributed/start.js';
import { requestedSteps } from './length/pace.js';
import type { WhichWeights } from './log-record.js';
import { trainLoop, type Run, type TrainResult } from './loop.js';
import { groupParameters, parameterRuns } from './parameter-groups.js';
import type { RecipeConfig } from './config/schemas.js';
import { SpinChoice } from './spin-choice.js';
import type { Setup, Task, TrainingData } from './tasks/task.js';

/**
 * Trains a model of any task in a run folder.
 *
 * @throws DataError, ConfigError, WeightsError before any work starts; WorkError if it fails on the way
 */
export async function trainTask<Config extends RecipeConfig, Set>(
  task: Task<Config, Set>,
  config: Config,
  data: TrainingData<Set>,
  run: Run,
): Promise<TrainResult> {
  const emaDecay = config.task === 'pretrain' ? null : config.emaDecay;
  const setup = task.setUp(config, data, run);
  const { loader, groups, isTrained = () => true, evaluate, card, numImages } = setup;
  if (config.batchSize > numImages && run.communicator.size === 1)
    run.listener?.note?.(
      `batchSize ${config.batchSize} is more than the ${counted(numImages, 'image')}: a step has ${numImages}`,
    );
  try {
    const stepsPerEpoch = Math.max(1, Math.floor(loader.numBatches() / config.accumulation));
    const length = setup.length(stepsPerEpoch);
    const { maxSteps: most = Infinity } = length;
    const maxSteps = Math.min(most, run.maxSteps ?? Infinity);
    const steps = Math.min(most, requestedSteps(run.length, length, stepsPerEpoch));
    const started = await start(setup, { ...config, emaDecay, steps }, run);
    const { buffers, store, restored } = started;
    const trainable = store.entries.filter(({ spec }) => spec.trainable);
    const trained = trainable.filter(({ path }) => isTrained(path));
    const trainer = setup.createTrainer(buffers);
    const spinChoice = new SpinChoice(run.engine, loader);
    const storeOf = (which: WhichWeights): ParameterStore =>
      which === 'ema' && buffers.ema ? new ParameterStore(setup.specs, buffers.ema) : store;
    try {
      return await trainLoop(
        {
          trainer,
          loader,
          buffers,
          settings: {
            ...config,
            ...length,
            emaDecay,
            // Depths are derived from the names of all blocks, including frozen ones.
            parameterRuns: parameterRuns(groupParameters(trainable, groups), trained),
            bestMetric: task.bestMetric,
            maxSteps,
          },
          evaluate:
            evaluate && ((which, limit, onCard) => evaluate(storeOf(which), which, limit, onCard)),
          stepped: () => spinChoice.stepped(),
          sizes: {
            numImages: setup.numImages,
            numHeldOut: evaluate ? setup.numHeldOut : 0,
            imagesPerStep: config.batchSize * config.accumulation * run.communicator.size,
            numEvaluated: buffers.ema ? 2 : 1,
          },
          state: restored?.state ?? {
            card: { ...card },
            config: { ...config },
            seed: run.seed,
            bestValue: null,
          },
          startStep: restored?.step ?? 0,
        },
        run,
      );
    } finally {
      await trainer.release();
    }
  } finally {
    await loader.close();
  }
}

/**
 * Creates the parameters and optimizer state of a run: from the newest checkpoint if resumed, else from the seed and the
 * initial weights. Identical in all processes.
 *
 * @throws ConfigError if there is no checkpoint to resume from; WeightsError if the weights do not fit
 */
async function start(
  { specs, loadWeights, warmUp }: Setup<unknown>,
  {
    optimizer,
    emaDecay,
    accumulation,
    steps,
  }: LoopConfig & { readonly emaDecay: number | null; readonly steps: number },
  { communicator, folder, seed, resume, weights, listener, length, maxSteps, ...others }: Run,
): Promise<{
  readonly buffers: FlatBuffers;
  readonly store: ParameterStore;
  readonly restored: RestoredRun | undefined;
}> {
  const buffers = createFlatBuffers(parameterSize(specs), {
    moments: optimizer.kind === 'adamw' ? 2 : 1,
    ema: emaDecay !== null,
    microGradients: accumulation > 1,
  });
  const store = new ParameterStore(specs, buffers.parameters);
  const { signal, now, observer } = others;
  const restored = await startTogether(communicator, buffers, async () => {
    if (resume) {
      const found = await restoreRun(folder, store, buffers);
      if (!found)
        throw new ConfigError(`train: expected a checkpoint in ${folder} to resume from, got none`);
      listener?.restored?.(found);
      return found;
    }
    store.initialize(seed);
    if (weights) {
      const ema = await isEmaBetter(weights);
      const line = await loadWeights(weights, store, ema ? 'model_ema' : undefined);
      const better = ema ? 'moving average (EMA)' : 'weights themselves';
      listener?.note?.(ema === undefined ? line : `${line}; of its ${better}, which scored better`);
    }
    const minutes = length?.by.kind === 'minutes' ? length.by.minutes : undefined;
    const note = (line: string): void => listener?.note?.(line);
    const waits = (what: string): void => listener?.waits?.(what);
    const decidedSteps = length?.stepsBefore;
    const taken = await warmUp?.(store, {
      steps,
      stopsAfter: maxSteps ?? undefined,
      minutes,
      decidedSteps,
      signal,
      note,
      waits,
      now,
    });
    // Where steps and seed do not determine the number, it is kept for those who repeat the run.
    if (taken !== undefined && minutes !== undefined) observer?.warmedUp?.(taken);
    return undefined;
  });
  return { buffers, store, restored };
}
