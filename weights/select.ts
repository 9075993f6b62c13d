import { WeightsError } from '../core/errors.js';
import { checkpointGroup, isCheckpoint } from './checkpoint-layout.js';
import type { TensorMap, TensorSource } from '../io/tensor.js';

/** Choice between trained weights and their exponential moving average (EMA). */
export type Which = 'model' | 'model_ema';

/** Keys used by training scripts, in order of preference. `''` is the file itself. */
const GROUPS: Readonly<Record<Which, readonly string[]>> = {
  model: ['model', 'state_dict', ''],
  model_ema: ['model_ema', 'state_dict_ema'],
};

/** Groups of our own checkpoints. */
const CHECKPOINT_GROUPS: Readonly<Record<Which, string>> = { model: 'weights', model_ema: 'ema' };

/** The chosen state dict. */
interface Selection {
  /** Its key in the file; `''` if the file itself is the state dict. */
  readonly group: string;
  /** Names without that key, PyTorch's axis order. */
  readonly tensors: TensorMap;
}

/**
 * Chooses the state dict of a file: `model`, `state_dict` or the file itself; or the EMA.
 *
 * @throws WeightsError if the file has no such weights; the message lists those it has
 */
export function selectWeights(source: TensorSource, which: Which = 'model'): Selection {
  const { file } = source;
  if (isCheckpoint(source)) {
    const group = CHECKPOINT_GROUPS[which];
    const tensors = checkpointGroup(source, group);
    if (tensors.size > 0) return { group, tensors };
  } else {
    for (const group of GROUPS[which]) {
      const tensors = group === '' ? source.tensors : subtree(source.tensors, group);
      if (tensors.size > 0) return { group, tensors };
    }
  }
  const groups = [...new Set([...source.tensors.keys()].map((name) => name.split('.')[0]))];
  throw WeightsError.in(file, `expected weights "${which}", got [${groups.join(', ')}]`);
}

/** Selects the tensors whose names begin with `group.`, and removes that prefix. */
export function subtree(tensors: TensorMap, group: string): TensorMap {
  const prefix = `${group}.`;
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}
