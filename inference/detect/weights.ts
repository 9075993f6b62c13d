import type { ParameterStore } from '../../engine/parameters/store.js';
import { cocoClasses } from '../../datasets/classes/coco.js';
import { canonicalOrOwnNames } from '../../weights/canonical.js';
import { torchShape } from '../../weights/layout.js';
import type { LoadOptions, LoadReport, ParameterTarget } from '../../weights/load.js';
import { loadTensors, parameterTargets } from '../../weights/load.js';
import { withWeights } from '../../weights/open.js';
import type { Which } from '../../weights/select.js';
import { reshaped, type TensorMap } from '../../io/tensor.js';
import { adaptClassLayers, statedClassNames, type ClassRows } from '../class-layers.js';
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
  { which, isNew }: Pick<LoadOptions, 'which' | 'isNew'> = {},
): Promise<LoadReport> {
  return withWeights(file, (source) => {
    const tensors = canonicalOrOwnNames(source, which);
    const targets = parameterTargets(store);
    return loadTensors(file, asConvolutions(tensors, targets), targets, { isNew });
  });
}

/** Names that only the detectors have that are read; of others the backbone is taken. */
const DETECTOR_NAME = /^roi_head\.bbox_head\./;
const CLASS_BIAS = /^roi_head\.bbox_head\.(\d+\.)?fc_cls\.bias$/;

/** Whether a file contains a whole detector, not only an encoder or a classifier. @throws WeightsError if it is damaged */
export function holdsDetector(file: string): Promise<boolean> {
  return withWeights(file, (source) =>
    [...canonicalOrOwnNames(source).keys()].some((name) => DETECTOR_NAME.test(name)),
  );
}

/** Layers of a detector with rows for every class; the classification has one more for the background. */
const CLASS_LAYERS: readonly ClassRows[] = [
  { pattern: /^roi_head\.bbox_head\.(\d+\.)?fc_cls\./, perClass: 1, extra: 1 },
  { pattern: /^roi_head\.bbox_head\.(\d+\.)?fc_reg\./, perClass: 4, extra: 0 },
  { pattern: /^roi_head\.mask_head\.(\d+\.)?conv_logits\./, perClass: 1, extra: 0 },
];
const MASK_HEAD = /^roi_head\.mask_head\./;

/**
 * Initializes a new detector from a file with a whole detector, or, for the backbone, with an encoder or classifier of any
 * naming scheme. Class layers are taken over by the names of the classes, see {@link adaptClassLayers}; a mask head that
 * only one of them has is new or left out.
 *
 * @param classNames of the new detector, by class index
 * @param which choice between weights and their EMA
 * @returns a line that says what was taken over
 * @throws WeightsError if the file does not fit; then nothing is written
 */
export async function startDetector(
  file: string,
  store: ParameterStore,
  classNames: readonly string[],
  which?: Which,
): Promise<string> {
  if (!(await holdsDetector(file))) {
    await loadBackbone(file, store, which);
    return `${file}: backbone taken over; pyramid and heads are new`;
  }
  return withWeights(file, async (source) => {
    const inFile = canonicalOrOwnNames(source, which);
    const stated = await statedClassNames(source);
    const named = stated ?? (hasCocoClasses(inFile) ? cocoClasses().names : undefined);
    const adapted = adaptClassLayers(inFile, CLASS_LAYERS, { file: named, model: classNames });
    const [hasMasks, wantsMasks] = [[...inFile.keys()], store.entries.map(({ path }) => path)].map(
      (paths) => paths.some((path) => MASK_HEAD.test(path)),
    );
    const targets = parameterTargets(store).filter(
      ({ path }) => !adapted.isNew(path) && (hasMasks || !MASK_HEAD.test(path)),
    );
    const tensors = new Map(
      [...adapted.tensors].filter(([name]) => wantsMasks || !MASK_HEAD.test(name)),
    );
    await loadTensors(file, asConvolutions(tensors, targets), targets);
    const masks =
      hasMasks === wantsMasks ? '' : `; the mask head is ${wantsMasks ? 'new' : 'left out'}`;
    return `${file}: ${adapted.line}${masks}`;
  });
}

/** Whether a file without names has the number of COCO's classes. */
function hasCocoClasses(tensors: TensorMap): boolean {
  const bias = [...tensors].find(([name]) => CLASS_BIAS.test(name));
  return bias?.[1].shape[0] === 81;
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
