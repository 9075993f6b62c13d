import type { TensorMap, TensorSource } from '../io/tensor.js';
import { isCheckpoint } from './checkpoint-layout.js';
import { toCanonical, withoutOthers } from './schemes/canonical.js';
import { findNetworks, type SourceScheme } from './schemes/names.js';
import { selectWeights, type Selection, type Which } from './select.js';

/** The chosen weights of a file under canonical names. */
interface SelectedNetwork extends Selection {
  readonly scheme: SourceScheme;
  /** 1: LayerScale was folded and an identity GRN added. */
  readonly version: 1 | 2;
}

/**
 * Selects the weights of a file and brings them to canonical names.
 *
 * @throws WeightsError if there are none, or their names follow no known scheme
 */
export function canonicalWeights(source: TensorSource, which?: Which): SelectedNetwork {
  const selection = selectWeights(source, which);
  return { ...selection, ...toCanonical(source.file, selection.tensors) };
}

/**
 * {@link canonicalWeights}, or the names as they are if they follow no known scheme: in files of heads only and in
 * checkpoints of models with a custom backbone.
 */
export function canonicalOrOwnNames(source: TensorSource, which?: Which): TensorMap {
  const { tensors } = selectWeights(source, which);
  return hasOwnNames(source, tensors) ? tensors : toCanonical(source.file, tensors).tensors;
}

/**
 * {@link canonicalOrOwnNames} of an encoder or classifier, whatever model it is part of: without what is beside it, the
 * heads of other tasks and layers of other libraries.
 */
export function canonicalEncoder(source: TensorSource, which?: Which): TensorMap {
  const { tensors } = selectWeights(source, which);
  return hasOwnNames(source, tensors)
    ? tensors
    : toCanonical(source.file, withoutOthers(tensors)).tensors;
}

/** Whether the names follow no scheme, or belong to a custom backbone. */
function hasOwnNames(source: TensorSource, tensors: TensorMap): boolean {
  const scheme = findNetworks(tensors.keys()).at(0)?.scheme;
  const isForeign = isCheckpoint(source) && scheme !== 'official' && scheme !== 'sparse';
  return scheme === undefined || isForeign;
}
