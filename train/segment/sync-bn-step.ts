import { ConfigError } from '../../core/errors.js';
import type { ParameterEntry, ParameterStore } from '../../engine/parameters/store.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { Executable, HostTensor, HostTensors } from '../../engine/runtime/program.js';
import { gradientName } from '../../engine/runtime/program.js';
import { BATCH_NORM_EPS } from '../../heads/conv-norm.js';
import { statisticsName, type UperNet } from '../../models/upernet.js';
import { STAGE_READS, stageOf } from '../../models/upernet-stages.js';
import type { BatchNorm } from '../distributed/batch-norm.js';
import { batchNorms, normalizeBackward, normalizeInto } from '../distributed/batch-norm.js';
import type { Communicator } from '../distributed/communicator.js';
import type { Scalars } from '../trainer.js';

/** Options of {@link SyncBnStep}. */
interface SyncBnStepOptions {
  readonly engine: Engine;
  readonly model: UperNet;
  readonly store: ParameterStore;
  /** Gradient buffer, laid out like the store. */
  readonly into: Float32Array;
  /** Buffer of the same size for the gradients of one micro-batch; needed if a step has several. */
  readonly ofMicroBatch?: Float32Array | undefined;
  readonly communicator: Communicator;
}

/** Result of a step. */
export interface SyncBnResult {
  /** `loss`, `lossDecode`, `lossAuxiliary` of every micro-batch. */
  readonly losses: readonly Scalars[];
  /** Statistics of the batch norms, by {@link statisticsName}. */
  readonly statistics: HostTensors;
}

const RUNNING_MEAN = '.bn.running_mean';
/** Index that means "no micro-batch". */
const NO_MICRO_BATCH = -1;

/** A program with gradients, and its parameters. */
interface Differentiated {
  readonly program: Executable;
  readonly parameters: readonly ParameterEntry[];
}

/** State between the stages of a step; lists are by micro-batch. */
interface Progress {
  readonly microBatches: readonly HostTensors[];
  readonly c5: HostTensor[];
  /** Outputs of convolutions by path of their module. */
  readonly convolved: Map<string, HostTensor[]>;
  readonly norms: Map<string, BatchNorm>;
  /** Gradients of `c5` and `y:PATH`. */
  readonly gradients: readonly Map<string, Float32Array>[];
}

/**
 * Forward and backward pass of a UPerNet with SyncBN over all processes and micro-batches of a step, as if they were one
 * batch. A compiled graph cannot communicate with other processes while it runs, so it is cut at the norms, and every
 * stage is computed for all micro-batches before the next one. Activations are moved to the host and back; only the
 * forward pass of the backbone is computed twice. With several micro-batches, the inputs of all norms are kept. Owns
 * sessions; calls must not overlap.
 */
export class SyncBnStep {
  private readonly forward: readonly Executable[];
  private readonly loss: Differentiated;
  private readonly backward: readonly Differentiated[];
  /** Modules with a batch norm, by stage. */
  private readonly modules: readonly (readonly string[])[];
  /** Outputs of norm and ReLU: one array per module, with the index of its micro-batch. */
  private readonly activations = new Map<string, { readonly y: Float32Array; micro: number }>();
  /** Reusable arrays by length. */
  private readonly free = new Map<number, Float32Array[]>();

  constructor(private readonly options: SyncBnStepOptions) {
    const { engine, model, store, into, ofMicroBatch = into } = options;
    const all = store.entries
      .filter(({ path }) => path.endsWith(RUNNING_MEAN))
      .map(({ path }) => path.slice(0, -RUNNING_MEAN.length));
    const { forward, loss, backward } = model.stages;
    const lost = all.filter((path) => stageOf(path) < 0);
    if (lost.length > 0)
      throw new ConfigError(`batch norms: expected a stage for ${lost.join(', ')}, got none`);
    this.modules = forward.map((_, stage) => all.filter((path) => stageOf(path) === stage));
    const prepare = (
      program: typeof loss,
      stage: number,
      isOwn: (path: string) => boolean,
    ): Differentiated => {
      const parameters = store.entries.filter(({ path, spec }) => spec.trainable && isOwn(path));
      return {
        parameters,
        program: engine.prepare(program, store, {
          gradients: {
            of: 'loss',
            into: ofMicroBatch,
            freesResults: true,
            parameters: parameters.map(({ path }) => path),
            inputs: ['c5', ...all]
              .filter((path) => STAGE_READS[stage].test(path))
              .map((path) => (path === 'c5' ? path : `y:${path}`)),
          },
        }),
      };
    };
    this.forward = forward.map((program) => engine.prepare(program, store, {}));
    this.loss = prepare(loss, forward.length, (path) => path.includes('.conv_seg.'));
    this.backward = backward.map((program, stage) => {
      const weights = this.modules[stage].map((path) => `${path}.conv.weight`);
      return prepare(
        program,
        stage,
        (path) => weights.includes(path) || (stage === 0 && path.startsWith('backbone.')),
      );
    });
  }

  /**
   * Computes the losses and, in `into`, the gradient of their mean over the micro-batches.
   *
   * @param microBatches inputs of the model's `training` for every micro-batch
   */
  async run(microBatches: readonly HostTensors[]): Promise<SyncBnResult> {
    const progress: Progress = {
      microBatches,
      c5: [],
      convolved: new Map(),
      norms: new Map(),
      gradients: microBatches.map(() => new Map<string, Float32Array>()),
    };
    for (const stage of this.modules.keys()) await this.goForward(progress, stage);
    const losses: Scalars[] = [];
    for (const [micro, { image: _, dropPath: __, ...ofLoss }] of microBatches.entries()) {
      const outputs = await this.differentiate(this.loss, progress, micro, {
        ...this.activationsFor(progress, this.modules.length, micro),
        ...ofLoss,
      });
      losses.push(segmenterLosses(outputs));
    }
    for (const stage of [...this.modules.keys()].reverse()) await this.goBack(progress, stage);
    const ofC5 = progress.gradients.map((all) => all.get('c5') as Float32Array);
    this.giveBack(progress, [...progress.c5.map(({ data }) => data as Float32Array), ...ofC5]);
    return { losses, statistics: statisticsOf(progress.norms) };
  }

  async release(): Promise<void> {
    const differentiated = [this.loss, ...this.backward].map(({ program }) => program);
    for (const program of [...this.forward, ...differentiated]) await program.release();
  }

  /** Runs the convolutions of a stage for all micro-batches, then computes the statistics. */
  private async goForward(progress: Progress, stage: number): Promise<void> {
    const { store, communicator } = this.options;
    const { microBatches, c5, convolved, norms } = progress;
    const paths = this.modules[stage];
    paths.forEach((path) => convolved.set(path, []));
    for (const micro of microBatches.keys()) {
      const outputs = await this.forward[stage].run(this.inputsOf(progress, stage, micro));
      if (stage === 0) c5.push(this.kept(progress, outputs['c5']));
      for (const path of paths)
        convolved.get(path)?.push(this.kept(progress, outputs[`x:${path}`]));
    }
    const normalized = await batchNorms(
      communicator,
      paths.map((path) => ({
        x: (convolved.get(path) ?? []).map(({ data }) => data as Float32Array),
        weight: store.get(`${path}.bn.weight`),
        bias: store.get(`${path}.bn.bias`),
      })),
      BATCH_NORM_EPS,
    );
    paths.forEach((path, m) => {
      norms.set(path, normalized[m]);
      const old = this.activations.get(path);
      if (old) old.micro = NO_MICRO_BATCH;
    });
  }

  /** Computes the gradients of a stage's inputs from those of its activations. */
  private async goBack(progress: Progress, stage: number): Promise<void> {
    const { store, into, communicator } = this.options;
    const { microBatches, c5, convolved, norms, gradients } = progress;
    const paths = this.modules[stage];
    const take = (micro: number, name: string): Float32Array => {
      const gradient = gradients[micro].get(name);
      if (!gradient) throw new ConfigError(`${name}: expected a gradient, got none`);
      return gradient;
    };
    const own = paths.map((path) =>
      [...microBatches.keys()].map((micro) => take(micro, `y:${path}`)),
    );
    const ofNorms = await normalizeBackward(
      communicator,
      paths.map((path) => norms.get(path) as BatchNorm),
      own,
    );
    paths.forEach((path, m) => {
      for (const kind of ['weight', 'bias'] as const)
        store
          .view(store.entry(`${path}.bn.${kind}`), into)
          .set(ofNorms[m][kind].map((sum) => sum / microBatches.length));
    });
    for (const micro of microBatches.keys()) {
      const seeds: Record<string, HostTensor> = {};
      paths.forEach((path, m) => {
        const { shape } = (convolved.get(path) as HostTensor[])[micro];
        seeds[`dx:${path}`] = { shape, data: own[m][micro] };
      });
      if (stage === 0) seeds['dx:c5'] = { shape: c5[micro].shape, data: take(micro, 'c5') };
      await this.differentiate(this.backward[stage], progress, micro, {
        ...this.inputsOf(progress, stage, micro),
        ...seeds,
      });
    }
    this.giveBack(progress, [...paths.flatMap((path) => norms.get(path)?.x ?? []), ...own.flat()]);
  }

  /** Inputs of a stage. */
  private inputsOf(progress: Progress, stage: number, micro: number): HostTensors {
    if (stage > 0) return this.activationsFor(progress, stage, micro);
    const { image, dropPath } = progress.microBatches[micro];
    return dropPath ? { image, dropPath } : { image };
  }

  /** `c5` and the activations of all lower stages; of those that the stage does not use only the shape matters. */
  private activationsFor(
    { c5, convolved, norms }: Progress,
    stage: number,
    micro: number,
  ): HostTensors {
    const inputs: Record<string, HostTensor> = { c5: c5[micro] };
    for (const path of this.modules.slice(0, stage).flat()) {
      const { shape } = (convolved.get(path) as HostTensor[])[micro];
      const isRead = STAGE_READS[stage].test(path);
      const data = this.activation(
        path,
        norms.get(path) as BatchNorm,
        isRead ? micro : NO_MICRO_BATCH,
      );
      inputs[`y:${path}`] = { shape, data };
    }
    return inputs;
  }

  /** Returns the output of norm and ReLU of a module; recomputes it if the buffer holds that of another micro-batch. */
  private activation(path: string, norm: BatchNorm, micro: number): Float32Array {
    const { length } = norm.x[Math.max(0, micro)];
    let known = this.activations.get(path);
    if (known?.y.length !== length) {
      known = { y: new Float32Array(length), micro: NO_MICRO_BATCH };
      this.activations.set(path, known);
    }
    if (micro !== NO_MICRO_BATCH && known.micro !== micro) {
      normalizeInto(norm, micro, known.y);
      known.micro = micro;
    }
    return known.y;
  }

  /**
   * Runs a program for a micro-batch and accumulates its gradients: of parameters over micro-batches, of activations over
   * stages.
   */
  private async differentiate(
    { program, parameters }: Differentiated,
    progress: Progress,
    micro: number,
    inputs: HostTensors,
  ): Promise<HostTensors> {
    const { store, into, ofMicroBatch } = this.options;
    const { microBatches, gradients } = progress;
    const outputs = await program.run(inputs);
    if (ofMicroBatch)
      for (const entry of parameters) {
        const [mean, own] = [store.view(entry, into), store.view(entry, ofMicroBatch)];
        if (micro === 0) mean.fill(0);
        for (let i = 0; i < mean.length; i++) mean[i] += own[i] / microBatches.length;
      }
    const prefix = gradientName('');
    for (const [output, tensor] of Object.entries(outputs)) {
      const name = output.slice(prefix.length);
      if (output !== gradientName(name) || !(name === 'c5' || name.startsWith('y:'))) continue;
      const sum = gradients[micro].get(name);
      const gradient = tensor.data as Float32Array;
      if (!sum) gradients[micro].set(name, this.kept(progress, tensor).data as Float32Array);
      else for (let i = 0; i < sum.length; i++) sum[i] += gradient[i];
    }
    return outputs;
  }

  /** Copies an output, because the run for the next micro-batch overwrites it. */
  private kept({ microBatches }: Progress, { shape, data }: HostTensor): HostTensor {
    if (microBatches.length === 1) return { shape, data };
    const copy = this.free.get(data.length)?.pop() ?? new Float32Array(data.length);
    copy.set(data);
    return { shape, data: copy };
  }

  private giveBack({ microBatches }: Progress, arrays: readonly Float32Array[]): void {
    if (microBatches.length === 1) return;
    for (const array of arrays) {
      const { length } = array;
      this.free.set(length, [...(this.free.get(length) ?? []), array]);
    }
  }
}

/** Statistics of the batch norms, under the names of the model's `training`. */
function statisticsOf(norms: ReadonlyMap<string, BatchNorm>): HostTensors {
  const tensors: Record<string, HostTensor> = {};
  for (const [path, { mean, variance, count }] of norms) {
    const statistics = { mean, variance, count: Float32Array.of(count) };
    for (const kind of ['mean', 'variance', 'count'] as const) {
      const data = statistics[kind];
      tensors[statisticsName(kind, `${path}.bn`)] = { shape: [data.length], data };
    }
  }
  return tensors;
}

/** Losses of a micro-batch among the outputs of a program: `loss`, `lossDecode`, `lossAuxiliary`. */
export function segmenterLosses({ loss, lossDecode, lossAuxiliary }: HostTensors): Scalars {
  return {
    loss: loss.data[0],
    lossDecode: lossDecode.data[0],
    lossAuxiliary: lossAuxiliary.data[0],
  };
}
