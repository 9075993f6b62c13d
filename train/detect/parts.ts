import type { ParameterStore } from '../../engine/parameters/store.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { Executable } from '../../engine/runtime/program.js';
import type { Detector } from '../../models/detector.js';
import type { BatchNormScope } from '../distributed/batch-norm.js';
import type { Communicator } from '../distributed/communicator.js';

/** Context of the programs of a training step. */
export interface StepContext {
  readonly engine: Engine;
  readonly model: Detector;
  readonly store: ParameterStore;
  /** Gradient buffer, laid out like the store. Entries of parameters that are not trained do not change. */
  readonly gradients: Float32Array;
  /** Selects the parameters to train; default: all trainable ones. */
  readonly isTrained?: ((path: string) => boolean) | undefined;
  /**
   * Processes that divide a batch. Losses are divided by the counts of all processes and multiplied by the number of
   * processes, so that the mean of their gradients is the gradient of the whole batch.
   */
  readonly communicator: Communicator;
  /** SyncBN scope of the box heads; default: the RoIs of a micro-batch. */
  readonly batchNormOver?: Exclude<BatchNormScope, 'step'> | undefined;
}

/** Lists the trained parameters with certain prefixes. */
function trainedPaths(
  { store, isTrained = () => true }: StepContext,
  prefixes: readonly string[],
): readonly string[] {
  return store.entries
    .filter(({ path, spec }) => spec.trainable && isTrained(path))
    .map(({ path }) => path)
    .filter((path) => prefixes.some((prefix) => path.startsWith(prefix)));
}

/** Loads a program with gradients: those of parameters are written to the context's buffer, those of inputs are outputs. */
export function prepareTraining(
  context: StepContext,
  program: Detector['features'],
  {
    prefixes,
    inputs = [],
  }: {
    readonly prefixes: readonly string[];
    readonly inputs?: readonly string[];
  },
): Executable {
  const { engine, store, gradients } = context;
  const parameters = trainedPaths(context, prefixes);
  return engine.prepare(program, store, {
    gradients: { of: 'loss', into: gradients, parameters, inputs, freesResults: true },
  });
}

/** Sets gradients to 0, for a head without work in this step. */
export function clearGradients(context: StepContext, prefixes: readonly string[]): void {
  const { store, gradients } = context;
  for (const path of trainedPaths(context, prefixes))
    store.view(store.entry(path), gradients).fill(0);
}

/** Sums the gradients of a head over several runs, each of which overwrites them. */
export class GradientSum {
  private readonly views: readonly Float32Array[];
  private sums: readonly Float32Array[] | undefined;

  /** @param prefix prefix of the head's parameters */
  constructor(context: StepContext, prefix: string) {
    const { store, gradients } = context;
    this.views = trainedPaths(context, [prefix]).map((path) =>
      store.view(store.entry(path), gradients),
    );
  }

  /**
   * Adds the gradients of a run.
   *
   * @param isLast afterward the buffer holds the sum
   */
  add(isLast: boolean): void {
    const { views, sums } = this;
    if (sums === undefined) {
      if (!isLast) this.sums = views.map((view) => view.slice());
      return;
    }
    views.forEach((view, k) => {
      const sum = sums[k];
      for (let i = 0; i < sum.length; i++) sum[i] += view[i];
      if (isLast) view.set(sum);
    });
  }
}
