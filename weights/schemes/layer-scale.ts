import { WeightsMismatchError } from '../../core/errors.js';
import { formatShape, numElements } from '../../core/shape.js';
import {
  derivedTensor,
  tensorOf,
  toFloat32,
  type LazyTensor,
  type TensorMap,
} from '../../io/tensor.js';

/** LayerScale of ConvNeXt V1: `stages.s.b.gamma`, one factor for each channel of the block's output. */
const LAYER_SCALE = /^(.*stages\.\d+\.\d+)\.gamma$/;

/** Whether official dense names are those of a ConvNeXt V1. */
export function isV1(names: Iterable<string>): boolean {
  return [...names].some((name) => LAYER_SCALE.test(name));
}

/**
 * Converts a V1 network to an equivalent V2 network: folds `γ·(W h + b) = (γ W) h + γ b` into `pwconv2`, and adds GRN
 * with γ = β = 0, the identity.
 *
 * @param tensors official dense names
 * @throws WeightsError if a block lacks `pwconv2`, or its sizes do not match
 */
export function foldLayerScale(tensors: TensorMap): TensorMap {
  const folded = new Map(tensors);
  for (const [name, scale] of tensors) {
    const block = LAYER_SCALE.exec(name)?.[1];
    if (block === undefined) continue;
    folded.delete(name);
    for (const part of ['weight', 'bias'] as const) {
      const path = `${block}.pwconv2.${part}`;
      folded.set(path, scaleRows(path, tensors.get(path), scale));
    }
    const width = tensors.get(`${block}.pwconv2.weight`)?.shape[1] ?? 0; // 4C
    for (const part of ['gamma', 'beta']) {
      folded.set(`${block}.grn.${part}`, tensorOf(new Float32Array(width), [1, 1, 1, width]));
    }
  }
  return folded;
}

/** Multiplies row `c` of `[C, …]` by `scale[c]`. */
function scaleRows(path: string, rows: LazyTensor | undefined, scale: LazyTensor): LazyTensor {
  const channels = numElements(scale.shape);
  if (!rows || rows.shape[0] !== channels) {
    const got = rows ? formatShape(rows.shape) : 'nothing';
    throw new WeightsMismatchError(
      `${path}: expected [${channels}, …] beside LayerScale, got ${got}`,
      {
        id: path,
      },
    );
  }
  return {
    ...derivedTensor(rows, rows.shape, (values) => values),
    read: async () => {
      const [values, factors] = [toFloat32(await rows.read()), toFloat32(await scale.read())];
      const length = values.length / channels;
      // In place: what `read` returns is new.
      for (let c = 0, i = 0; c < channels; c++)
        for (const end = i + length, factor = factors[c]; i < end; i++) values[i] *= factor;
      return values;
    },
  };
}
