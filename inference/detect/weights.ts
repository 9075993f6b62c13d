import type { ParameterStore } from '../../engine/parameters/store.js';
import { WeightsError } from '../../core/errors.js';
import { canonicalOrOwnNames } from '../../weights/canonical.js';
import { torchShape } from '../../weights/layout.js';
import type { LoadReport, ParameterTarget } from '../../weights/load.js';
import { loadTensors, parameterTargets } from '../../weights/load.js';
import { withWeights } from '../../weights/open.js';
import type { Which } from '../../weights/select.js';
import { reshaped, type TensorMap } from '../../io/tensor.js';
import { loadBackbone } from '../state-dict.js';

/** Name of the fully connected layer after the RoI features. */
const ROI_FC = /^roi_head\.bbox_head\.(\d+\.)?shared_fcs\.0\.weight$/;

/**
 * Loads the weights of a whole detector: a checkpoint of mmdetection (V2, or V1 whose LayerScale is folded) or of this
 * library. Strict: all names, shapes and values must fit, or nothing is written; the number of classes must match the
 * model.
 *
 * @throws WeightsError listing every missing, unexpected and wrongly shaped name
 */
export function loadDetectorWeights(
  file: string,
  store: ParameterStore,
  options: { readonly which?: Which | undefined } = {},
): Promise<LoadReport> {
  return withWeights(file, (source) => {
    const tensors = canonicalOrOwnNames(source, options.which);
    const targets = parameterTargets(store);
    return loadTensors(file, asConvolutions(tensors, targets), targets);
  });
}

/** Name prefixes of parameters that only detectors have. */
const DETECTOR_NAME = /^(neck|rpn_head|roi_head)\./;
const CLASS_BIAS = /^roi_head\.bbox_head\.(\d+\.)?fc_cls\.bias$/;

/** Whether a file contains a whole detector, not only an encoder or a classifier. @throws WeightsError if it is damaged */
export function holdsDetector(file: string): Promise<boolean> {
  return withWeights(file, (source) =>
    Promise.resolve([...canonicalOrOwnNames(source).keys()].some((n) => DETECTOR_NAME.test(n))),
  );
}

/**
 * Initializes a new detector from a file with a whole detector of the same classes, or, for the backbone, with an encoder
 * or classifier of any naming scheme.
 *
 * @throws WeightsError if the file does not fit; then nothing is written
 */
export async function startDetector(file: string, store: ParameterStore): Promise<LoadReport> {
  if (!(await holdsDetector(file))) return loadBackbone(file, store);
  const got = await withWeights(file, (source) => {
    const bias = [...canonicalOrOwnNames(source)].find(([name]) => CLASS_BIAS.test(name));
    return Promise.resolve(bias && bias[1].shape[0] - 1);
  });
  const bias = store.entries.find(({ path }) => CLASS_BIAS.test(path));
  const expected = Number(bias?.spec.shape[0]) - 1;
  if (got !== undefined && got !== expected)
    throw new WeightsError(
      `${file}: expected a detector of the data's ${expected} classes, got one of ${got}; ` +
        'start from the weights of a classifier or encoder instead',
      { file },
    );
  return loadDetectorWeights(file, store);
}

/**
 * mmdetection flattens RoI features channel by channel before the first fully connected layer, `[F, C·P·P]`; here that
 * layer is a convolution of the same size. The values have the same order, so only the shape is changed; axes are then
 * converted as for any convolution.
 */
export function asConvolutions(
  tensors: TensorMap,
  targets: readonly Omit<ParameterTarget, 'values'>[],
): TensorMap {
  const shaped = new Map(tensors);
  for (const { path, shape, layout } of targets) {
    const tensor = tensors.get(path);
    if (!ROI_FC.test(path) || tensor?.shape.length !== 2) continue;
    const wanted = torchShape(shape, layout);
    const [width, ...features] = wanted;
    const flat = features.reduce((a, b) => a * b, 1);
    // Other sizes are kept, so that the loader reports the original shape.
    if (tensor.shape[0] === width && tensor.shape[1] === flat)
      shaped.set(path, reshaped(tensor, wanted));
  }
  return shaped;
}
