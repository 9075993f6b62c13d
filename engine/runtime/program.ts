import * as tf from '../tfjs.js';
import { EngineError, ShapeError } from '../../core/errors.js';
import { formatShape, numElements } from '../../core/shape.js';
import type { ParameterStore } from '../parameters/store.js';
import { mapSpecs } from '../parameters/spec.js';
import { listInputs, namingAbsentInputs } from './absent-inputs.js';

/** A tensor in host memory. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** Element type of a tensor's data. */
export function elementType(data: HostTensor['data']): 'float32' | 'int32' | 'bool' {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Int32Array ? 'int32' : 'bool';
}

/**
 * Checks an input of a program.
 *
 * @throws ShapeError if the number of values does not match the shape
 */
export function assertHostTensor(program: string, name: string, { shape, data }: HostTensor): void {
  if (data.length === numElements(shape)) return;
  throw new ShapeError(
    `${program}: expected ${numElements(shape)} values in ${name} ${formatShape(shape)}, got ${data.length}`,
  );
}

/** Named tensors in host memory. */
export type HostTensors = Readonly<Record<string, HostTensor>>;

/**
 * A computation: a pure function of parameters and inputs on tfjs tensors. The same program runs eagerly on any tfjs
 * backend, or compiled.
 */
export interface Program {
  readonly name: string;
  /**
   * Computes named outputs from named inputs.
   *
   * @param params the `TensorTree` of the store's specs; each program declares which one it takes
   */
  forward(
    params: unknown,
    inputs: Readonly<Record<string, tf.Tensor>>,
  ): Readonly<Record<string, tf.Tensor>>;
}

/** Gradients that a run computes in addition to the outputs. */
export interface GradientRequest {
  /** Name of the scalar output that is differentiated. */
  readonly of: string;
  /** Parameters to differentiate; default: all trainable ones. Parameters that do not influence the loss get zeros. */
  readonly parameters?: readonly string[] | undefined;
  /** Inputs to differentiate; their gradients are outputs `grad:NAME`. */
  readonly inputs?: readonly string[] | undefined;
}

/** Arrays that outputs are written to, each with as many values as the output. */
export type OutputArrays = Readonly<Record<string, Float32Array>>;

/**
 * Checks the arrays that outputs are written to.
 *
 * @param shapes shapes of the outputs that may have an array
 * @throws ConfigError for an unknown output; ShapeError for an array of another length
 */
export function assertOutputArrays(
  program: string,
  into: OutputArrays,
  shapes: ReadonlyMap<string, readonly number[]>,
): void {
  for (const [name, { length }] of Object.entries(into)) {
    const shape = shapes.get(name);
    if (!shape)
      throw new EngineError(
        `${program}: expected an output to write to, one of ${[...shapes.keys()].join(', ')}, got ${name}`,
      );
    if (length !== numElements(shape))
      throw new ShapeError(
        `${program}: expected room for ${numElements(shape)} values of ${name} ${formatShape(shape)}, got ${length}`,
      );
  }
}

/** Interface of a loaded program, eager or compiled. */
export interface Executable {
  /**
   * @param into arrays that outputs are written to, by name; not for gradients of parameters, which have a buffer
   * @returns the outputs; the next run may overwrite those without an array in `into`
   * @throws ShapeError, ConfigError if inputs or `into` do not fit the program
   */
  run(inputs: HostTensors, into?: OutputArrays): Promise<HostTensors>;
  /** Frees sessions and buffers. */
  release(): Promise<void>;
}

/** Name of the output with the gradient of a parameter or input. */
export const gradientName = (name: string): string => `grad:${name}`;

/** Lists the parameters that `request` differentiates. */
function gradientPaths(store: ParameterStore, request: GradientRequest): readonly string[] {
  if (request.parameters) return request.parameters;
  return store.entries.filter(({ spec }) => spec.trainable).map(({ path }) => path);
}

/**
 * Calls the program with tensors by path and returns its outputs and, on request, gradients as `grad:NAME`.
 *
 * @throws ConfigError for a missing parameter, input or output
 */
export function evaluate(
  program: Program,
  store: ParameterStore,
  parameters: ReadonlyMap<string, tf.Tensor>,
  inputs: Readonly<Record<string, tf.Tensor>>,
  request: GradientRequest | undefined,
): Readonly<Record<string, tf.Tensor>> {
  const lookup = (path: string): tf.Tensor => {
    const tensor = parameters.get(path);
    if (!tensor) throw new EngineError(`${program.name}: expected parameter ${path}, got none`);
    return tensor;
  };
  const bound = (): unknown =>
    mapSpecs(store.specs, (path, { layout }) =>
      layout === 'vector' ? lookup(path).reshape([-1]) : lookup(path),
    );
  const forward = (): Readonly<Record<string, tf.Tensor>> =>
    namingAbsentInputs(program.name, inputs, (watched) => program.forward(bound(), watched));
  if (!request) return forward();

  const paths = gradientPaths(store, request);
  const names = request.inputs ?? [];
  for (const name of names)
    if (!inputs[name])
      throw new EngineError(`${program.name}: expected input ${name}, got ${listInputs(inputs)}`);
  const sources = [...paths.map(lookup), ...names.map((name) => inputs[name])];
  let outputs: Readonly<Record<string, tf.Tensor>> = {};
  const loss = (): tf.Tensor => {
    outputs = forward();
    // The tidy around this function would free everything it does not return; the caller disposes the outputs.
    Object.values(outputs).forEach((tensor) => tf.keep(tensor));
    if (!outputs[request.of])
      throw new EngineError(`${program.name}: expected an output ${request.of}, got none`);
    return outputs[request.of];
  };
  const grads = gradients(loss, sources, () => outputs);
  const results: Record<string, tf.Tensor> = { ...outputs };
  [...paths, ...names].forEach((name, i) => {
    results[gradientName(name)] = grads[i] ?? tf.zerosLike(sources[i]);
  });
  return results;
}

/** Computes gradients with tfjs. If that throws, no tensors leak, neither outputs nor those saved for the backward pass. */
function gradients(
  loss: () => tf.Tensor,
  sources: tf.Tensor[],
  outputs: () => Readonly<Record<string, tf.Tensor>>,
): tf.Tensor[] {
  try {
    return tf.engine().gradients(loss, sources, undefined, true).grads;
  } catch (error) {
    const { state } = tf.engine();
    tf.dispose(Object.values(outputs()));
    if (state.gradientDepth === 0) {
      state.activeTape?.forEach(({ saved }) => tf.dispose(saved ?? []));
      Object.assign(state, { activeTape: null });
    }
    throw error;
  }
}
