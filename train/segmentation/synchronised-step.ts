import { ConfigError } from '../../core/errors.js';
import type { SpecTree } from '../../engine/parameters/spec.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { Executable, HostTensor, HostTensors } from '../../engine/runtime/program.js';
import { gradientName } from '../../engine/runtime/program.js';
import { SEGMENTATION_BN_EPS } from '../../heads/batch-norm-conv.js';
import { statisticsName, type UperNet, type UperNetSpecs } from '../../models/upernet.js';
import { STAGE_READS, stageOf } from '../../models/upernet-stages.js';
import type { Communicator } from '../distributed/communicator.js';
import { normalize, normalizeBackward, type Normalized } from './synchronised-norm.js';

/** What {@link SynchronisedStep} works with. */
export interface SynchronisedStepOptions<Tree extends SpecTree> {
  readonly engine: Engine;
  readonly model: UperNet<Tree>;
  readonly store: ParameterStore<UperNetSpecs<Tree>>;
  /** Where gradients go, laid out like the store. */
  readonly into: Float32Array;
  readonly communicator: Communicator;
}

const RUNNING_MEAN = '.bn.running_mean';

/**
 * Forward and backward pass of a UPerNet whose batch norms see the batches of all processes, as SyncBN does. A compiled graph
 * cannot stop in its middle to ask the others, so it is cut at the norms. Activations come to the host and back; of the
 * forward pass only the backbone is computed twice. Owns sessions; calls must not overlap.
 */
export class SynchronisedStep<Tree extends SpecTree> {
  private readonly forward: readonly Executable[];
  private readonly loss: Executable;
  private readonly backward: readonly Executable[];
  /** Modules with a batch norm, by stage. */
  private readonly modules: readonly (readonly string[])[];
  private readonly activations = new Map<string, Float32Array>();

  constructor(private readonly options: SynchronisedStepOptions<Tree>) {
    const { engine, model, store, into } = options;
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
    ): Executable =>
      engine.prepare(program, store, {
        gradients: {
          of: 'loss',
          into,
          parameters: store.entries
            .filter(({ path, spec }) => spec.trainable && isOwn(path))
            .map(({ path }) => path),
          inputs: ['c5', ...all]
            .filter((path) => STAGE_READS[stage].test(path))
            .map((path) => (path === 'c5' ? path : `y:${path}`)),
        },
      });
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
   * @param inputs those of the model's `training`
   * @returns its losses, and the statistics of all processes under the same names
   */
  async run(inputs: HostTensors): Promise<HostTensors> {
    const { image, dropPath, ...ofLoss } = inputs;
    const first: HostTensors = { image, ...(dropPath ? { dropPath } : {}) };
    const given: Record<string, HostTensor> = {};
    const done: Normalized[][] = [];
    for (const [stage, paths] of this.modules.entries()) {
      const outputs = await this.forward[stage].run(stage === 0 ? first : given);
      if (stage === 0) given['c5'] = outputs['c5'];
      done.push(await this.normalized(paths, outputs));
      paths.forEach((path, m) => {
        given[`y:${path}`] = { shape: outputs[`x:${path}`].shape, data: done[stage][m].y };
      });
    }
    const { loss, lossDecode, lossAuxiliary, ...ofInputs } = await this.loss.run({
      ...given,
      ...ofLoss,
    });
    await this.goBack(first, given, done, gradientsOf(ofInputs));
    return { loss, lossDecode, lossAuxiliary, ...this.statistics(done) };
  }

  async release(): Promise<void> {
    for (const program of [...this.forward, this.loss, ...this.backward]) await program.release();
  }

  private async normalized(paths: readonly string[], outputs: HostTensors): Promise<Normalized[]> {
    const { store, communicator } = this.options;
    const norms = await normalize(
      communicator,
      paths.map((path) => ({
        x: outputs[`x:${path}`].data as Float32Array,
        weight: store.get(`${path}.bn.weight`),
        bias: store.get(`${path}.bn.bias`),
      })),
      SEGMENTATION_BN_EPS,
      paths.map((path) => this.activations.get(path)),
    );
    norms.forEach(({ y }, m) => this.activations.set(paths[m], y));
    return [...norms];
  }

  /** From the gradients of what the losses read, stage by stage, to the stem. */
  private async goBack(
    first: HostTensors,
    given: HostTensors,
    done: readonly (readonly Normalized[])[],
    gradients: Map<string, Float32Array>,
  ): Promise<void> {
    const { store, into, communicator } = this.options;
    for (let stage = this.modules.length - 1; stage >= 0; stage--) {
      const paths = this.modules[stage];
      const own = paths.map((path) => {
        const gradient = gradients.get(`y:${path}`);
        if (!gradient) throw new ConfigError(`${path}: expected a gradient, got none`);
        return gradient;
      });
      const norms = await normalizeBackward(communicator, done[stage], own);
      const seeds: Record<string, HostTensor> = {};
      paths.forEach((path, m) => {
        store.view(store.entry(`${path}.bn.weight`), into).set(norms[m].weight);
        store.view(store.entry(`${path}.bn.bias`), into).set(norms[m].bias);
        seeds[`dx:${path}`] = { shape: given[`y:${path}`].shape, data: own[m] };
      });
      const c5 = gradients.get('c5');
      if (stage === 0 && c5) seeds['dx:c5'] = { shape: given['c5'].shape, data: c5 };
      const inputs = stage === 0 ? first : lowerStages(given, stage);
      const outputs = await this.backward[stage].run({ ...inputs, ...seeds });
      for (const [name, gradient] of gradientsOf(outputs)) add(gradients, name, gradient);
    }
  }

  private statistics(done: readonly (readonly Normalized[])[]): HostTensors {
    const found: Record<string, HostTensor> = {};
    this.modules.forEach((paths, stage) =>
      paths.forEach((path, m) => {
        const { mean, variance, count } = done[stage][m];
        const put = (kind: 'mean' | 'variance' | 'count', data: Float32Array): void => {
          found[statisticsName(kind, `${path}.bn`)] = { shape: [data.length], data };
        };
        put('mean', mean);
        put('variance', variance);
        put('count', Float32Array.of(count));
      }),
    );
    return found;
  }
}

/** What a stage is given: the activations of those before it. */
function lowerStages(given: HostTensors, stage: number): HostTensors {
  return Object.fromEntries(
    Object.entries(given).filter(
      ([name]) => name === 'c5' || stageOf(name.slice('y:'.length)) < stage,
    ),
  );
}

/** Gradients of inputs by the inputs' names. */
function gradientsOf(outputs: HostTensors): Map<string, Float32Array> {
  const prefix = gradientName('');
  return new Map(
    Object.entries(outputs)
      .filter(([name]) => name.startsWith(`${prefix}y:`) || name === `${prefix}c5`)
      .map(([name, { data }]) => [name.slice(prefix.length), data as Float32Array]),
  );
}

/** What two stages read has the sum of their gradients. */
function add(all: Map<string, Float32Array>, name: string, gradient: Float32Array): void {
  const sum = all.get(name);
  if (!sum) all.set(name, gradient);
  else for (let i = 0; i < sum.length; i++) sum[i] += gradient[i];
}
