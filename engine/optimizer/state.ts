import { WeightsError } from '../../core/errors.js';
import type { FlatBuffers } from './flat-buffers.js';

/** Position of a parameter in the flat arrays. */
export interface FlatParameter {
  readonly path: string;
  /** First element. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
}

/** Optimizer state for a checkpoint: moments of `[n]` each, in the order of `parameters`. */
export interface OptimizerState {
  /** Number of updates done. */
  readonly step: number;
  readonly parameters: readonly FlatParameter[];
  readonly moments: readonly Float32Array[];
}

/** Returns the current state. The moments are the live arrays: write or copy them before the next update. */
export function optimizerState(
  { moments }: FlatBuffers,
  parameters: readonly FlatParameter[],
  step: number,
): OptimizerState {
  return { step, parameters, moments };
}

/**
 * Copies saved moments into the buffers. The order of parameters may differ from the saved one.
 *
 * @returns the number of updates done
 * @throws WeightsError if parameters, sizes or the number of moments differ; then nothing is copied
 */
export function restoreOptimizerState(
  buffers: FlatBuffers,
  parameters: readonly FlatParameter[],
  state: OptimizerState,
): number {
  const saved = new Map(state.parameters.map((parameter) => [parameter.path, parameter]));
  const wanted = new Set(parameters.map(({ path }) => path));
  const missing = parameters.filter(({ path }) => !saved.has(path)).map(({ path }) => path);
  const unexpected = [...saved.keys()].filter((path) => !wanted.has(path));
  if (missing.length + unexpected.length > 0) {
    throw new WeightsError(
      `restoreOptimizerState: missing [${missing.join(', ')}], unexpected [${unexpected.join(', ')}]`,
    );
  }
  const sources = parameters.map(({ path, size }) => {
    const source = saved.get(path) as FlatParameter;
    if (source.size !== size) {
      throw new WeightsError(
        `restoreOptimizerState: ${path}: expected ${size} elements, got ${source.size}`,
      );
    }
    return source;
  });
  const lengths = state.moments.map(({ length }) => length);
  const end = Math.max(0, ...sources.map(({ offset, size }) => offset + size));
  if (lengths.length !== buffers.moments.length || lengths.some((length) => length < end)) {
    throw new WeightsError(
      `restoreOptimizerState: expected ${buffers.moments.length} moments of ${end} elements, got [${lengths.join(', ')}]`,
    );
  }
  buffers.moments.forEach((moment, index) =>
    parameters.forEach(({ offset }, at) => {
      const { offset: from, size } = sources[at];
      moment.set(state.moments[index].subarray(from, from + size), offset);
    }),
  );
  return state.step;
}
