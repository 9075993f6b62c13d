import type { ConvNeXtV2Config } from '../backbone/variants.js';
import { WeightsMismatchError } from '../core/errors.js';
import * as rule from '../core/options.js';
import { A_BACKBONE, type Backbone } from '../engine/backbone.js';
import type { ParameterStore } from '../engine/parameters/store.js';
import type { TensorMap } from '../io/tensor.js';
import type { Architecture } from '../weights/architecture.js';
import { loadWeights, parameterTargets, type LoadReport } from '../weights/load.js';
import { A_WHICH, type Which } from '../weights/select.js';

/** Options of loading a network with a backbone. */
export interface NetworkOptions<Architecture> {
  /** Choice between trained weights and their EMA. */
  readonly which?: Which | undefined;
  /** Architecture from a checkpoint; default: derived from the tensors. */
  readonly architecture?: Architecture | undefined;
  /** Custom backbone instead of that of the architecture. */
  readonly network?: Backbone | undefined;
}

/** Rules of {@link NetworkOptions}. */
export const NETWORK_RULES: rule.OptionRules<NetworkOptions<unknown>> = {
  which: A_WHICH,
  architecture: rule.AN_OBJECT,
  network: A_BACKBONE,
};

/**
 * Initializes the backbone of a detector or segmenter with the weights of a classifier or an autoencoder of any container
 * and naming scheme. All other parameters, output norms included, keep their initial values.
 *
 * @throws WeightsError if the file is damaged or does not contain an encoder of this size; then nothing is written
 */
export function loadBackbone(
  file: string,
  store: ParameterStore,
  which?: Which,
): Promise<LoadReport> {
  const prefix = 'backbone.';
  const targets = parameterTargets(store).filter(({ path }) => path.startsWith(prefix));
  return loadWeights(file, targets, {
    which,
    exceptions: ['encoderOnly'],
    sourceName: (path) => path.slice(prefix.length),
  });
}

/**
 * Shape of a tensor.
 *
 * @param expected description of the network, for messages
 * @throws WeightsError if there is no such tensor
 */
export function shapeOf(
  file: string,
  tensors: TensorMap,
  name: string,
  expected: string,
): readonly number[] {
  const tensor = tensors.get(name);
  if (tensor) return tensor.shape;
  const text = `expected ${expected} with a tensor ${name}, got none`;
  throw WeightsMismatchError.in(file, text, { id: name });
}

/** Remedy for a model that is not read, but whose backbone is. */
export const takesBackbone = (file: string): string =>
  `train … --weights ${file} takes its backbone`;

/** Number of tensors whose names match. */
export function countNames(tensors: TensorMap, pattern: RegExp): number {
  return [...tensors.keys()].filter((name) => pattern.test(name)).length;
}

/** Epsilon of the norms of CLIP's network of size xxlarge, which its tensors do not show. */
const XXLARGE_EPS = 1e-5;

/**
 * Configuration of the network of a file without model card. V1's LayerScale is folded into its weights, so that it has
 * an identity GRN. Norms without shift are RMS norms, but for timm's zepto, whose norms divide by the standard deviation.
 *
 * @param origin kind and epsilons of the norms, where its origin says them
 */
export function backboneConfig(
  { size, depths, dims, withoutResponseNorm, withoutShift, stem }: Architecture,
  origin: Pick<ConvNeXtV2Config, 'norm' | 'normEps' | 'headNormEps'> = {},
): ConvNeXtV2Config {
  const responseNorm = withoutResponseNorm ? 'none' : 'grn';
  const normEps = origin.normEps ?? (size === 'xxlarge' ? XXLARGE_EPS : undefined);
  const { headNormEps } = origin;
  const norm = withoutShift ? (origin.norm ?? (size === 'zepto' ? 'simple' : 'rms')) : undefined;
  return { depths, dims, responseNorm, normEps, headNormEps, norm, stem } as ConvNeXtV2Config;
}
