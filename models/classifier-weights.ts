import { VARIANT_NAMES, VARIANTS } from '../backbone/variants.js';
import type { ConvNeXtV2Config, VariantName } from '../backbone/variants.js';
import { ConfigError, WeightsError } from '../core/errors.js';
import { nearestWord } from '../core/nearest-word.js';
import { ParameterStore } from '../engine/parameters/store.js';
import type { ParameterTarget } from '../weights/load.js';
import { loadWeights } from '../weights/load.js';
import type { Which } from '../weights/select.js';
import { summarizeWeights } from '../weights/verify.js';
import type { Classifier } from './classifier.js';
import { createClassifier } from './classifier.js';

/** A classifier with its weights. */
export interface LoadedClassifier {
  readonly model: Classifier;
  readonly store: ParameterStore;
}

/** The parameters of a store as `weights/` fills them. */
export function parameterTargets(store: ParameterStore): readonly ParameterTarget[] {
  return store.entries.map(({ path, spec }) => ({
    path,
    shape: spec.shape,
    layout: spec.layout,
    values: store.get(path),
  }));
}

/** The published size of that name. @throws ConfigError with all names and the nearest if there is none */
export function variant(name: string): ConvNeXtV2Config {
  if ((VARIANT_NAMES as readonly string[]).includes(name)) return VARIANTS[name as VariantName];
  throw new ConfigError(
    `model size: expected one of ${VARIANT_NAMES.join(', ')}, got ${name}; nearest: ${nearestWord(name, VARIANT_NAMES)}`,
  );
}

/** What {@link loadClassifier} should know beside the file. */
export interface LoadClassifierOptions {
  /** Trained weights, or their moving average. */
  readonly which?: Which;
  /** The architecture, where a checkpoint states it; else it is read off the tensors. */
  readonly backbone?: ConvNeXtV2Config;
}

/**
 * Reads a classifier of any size from a weight file of any container and naming scheme.
 *
 * @throws WeightsError if the file is damaged, holds no classifier, or does not fit
 */
export async function loadClassifier(
  file: string,
  options: LoadClassifierOptions = {},
): Promise<LoadedClassifier> {
  const which = options.which ? { which: options.which } : {};
  const { architecture } = await summarizeWeights(file, which);
  const { depths, dims, numClasses } = architecture;
  if (numClasses === undefined) {
    throw new WeightsError(
      `${file}: expected a classifier, got an encoder without head; fine-tune it first (train --weights ${file})`,
      { file },
    );
  }
  const backbone = options.backbone ?? ({ depths, dims, responseNorm: 'grn' } as ConvNeXtV2Config);
  const model = createClassifier({ backbone, classes: numClasses, headInitScale: 1 });
  const store = new ParameterStore(model.specs);
  await loadWeights(file, parameterTargets(store), which);
  return { model, store };
}
