import { Random } from '../../core/random.js';
import { numElements } from '../../core/shape.js';
import type { SpecTree } from '../../engine/parameters/spec.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { GradientTarget } from '../../engine/runtime/compiled.js';
import type { Executable, HostTensor, HostTensors, Program } from '../../engine/runtime/program.js';
import { gradientName } from '../../engine/runtime/program.js';

/** Makes a program ready to run somewhere; without gradients, forward only. */
export type Prepare = (
  program: Program,
  store: ParameterStore,
  gradients?: GradientTarget,
) => Executable;

/** A program that training runs, small enough for every backend. */
export interface TrainingStep {
  readonly name: string;
  /** @returns the outputs, and the gradients of inputs and parameters as `grad:NAME` */
  readonly run: (prepare: Prepare) => Promise<HostTensors>;
}

/** Normally distributed values. */
export function random(seed: number, shape: readonly number[]): HostTensor {
  const numbers = new Random(seed);
  return { shape, data: Float32Array.from({ length: numElements(shape) }, () => numbers.normal()) };
}

/** Inputs of {@link trainingStep}. */
export interface StepParts {
  readonly name: string;
  readonly program: Program;
  readonly specs: SpecTree;
  readonly inputs: HostTensors;
  /** Inputs that are differentiated beside the parameters; null for a program without loss. */
  readonly differentiable: readonly string[] | null;
  /** Only parameters whose path begins so are differentiated. */
  readonly prefix?: string;
}

/** A program with random parameters: unlike the initial values, they leave no gradient zero. */
export function trainingStep(parts: StepParts): TrainingStep {
  const { name, program, specs, inputs, differentiable, prefix = '' } = parts;
  return {
    name,
    run: async (prepare) => {
      const store = new ParameterStore(specs);
      store.values.set(random(2, [store.values.length]).data.map((value) => 0.3 * value));
      const into = new Float32Array(store.values.length).fill(NaN);
      const trained = store.entries.filter(
        ({ path, spec }) => spec.trainable && path.startsWith(prefix),
      );
      const target = {
        of: 'loss',
        into,
        parameters: trained.map(({ path }) => path),
        inputs: differentiable ?? [],
      };
      const executable = prepare(program, store, differentiable ? target : undefined);
      try {
        // Copies: the next run may overwrite the outputs.
        const outputs = Object.entries(await executable.run(inputs)).map(
          ([key, { shape, data }]): [string, HostTensor] => [key, { shape, data: data.slice() }],
        );
        const gradients = trained.map((entry): [string, HostTensor] => [
          gradientName(entry.path),
          { shape: entry.spec.shape, data: store.view(entry, into).slice() },
        ]);
        return Object.fromEntries(differentiable ? [...outputs, ...gradients] : outputs);
      } finally {
        await executable.release();
      }
    },
  };
}
