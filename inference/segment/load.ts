import * as rule from '../../core/options.js';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { WeightsError } from '../../core/errors.js';
import { ADE20K_CLASSES, areAde20k } from '../../datasets/classes/ade20k.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { loadTensors, parameterTargets } from '../../weights/load.js';
import { canonicalOrOwnNames, canonicalWeights } from '../../weights/canonical.js';
import { withWeights } from '../../weights/open.js';
import type { Which } from '../../weights/select.js';
import { createUperNet, type UperNet } from '../../models/upernet.js';
import type { SegmenterCard } from '../card.js';
import { readCard } from '../read-card.js';
import { classNamesOf, type LoadOptions } from '../class-names.js';
import type { LocatedModel } from '../locate.js';
import { configOf, pixelsOf } from '../origin.js';
import { readTraining } from '../training-meta.js';
import { auxiliaryException, segmenterOf, type SegmenterArchitecture } from './architecture.js';
import { NETWORK_RULES, type NetworkOptions } from '../state-dict.js';

/** A segmenter with its weights. */
export interface LoadedSegmenter {
  readonly backbone: ConvNeXtV2Config;
  readonly model: UperNet;
  readonly store: ParameterStore;
  /** Version of ConvNeXt, if the architecture was derived from the file. */
  readonly version?: 1 | 2 | undefined;
}

/** Options of {@link loadSegmenter}. */
interface LoadSegmenterOptions extends NetworkOptions<SegmenterArchitecture> {
  /** Class names; their number is checked. */
  readonly classNames?: readonly string[] | undefined;
}

const LOAD_RULES: rule.OptionRules<LoadSegmenterOptions> = {
  ...NETWORK_RULES,
  classNames: rule.TEXTS,
};

/**
 * Reads a UPerNet on ConvNeXt from a checkpoint of this library or a state dict of mmsegmentation. Strict: every name and
 * shape must fit.
 *
 * @throws WeightsError if the file is damaged, is not a UPerNet, does not fit, or has another number of classes
 */
export async function loadSegmenter(
  file: string,
  options: LoadSegmenterOptions = {},
): Promise<LoadedSegmenter> {
  rule.assertOptions('loadSegmenter', options, LOAD_RULES);
  const { which, architecture, network, classNames } = options;
  const { backbone, head, version } = architecture ?? (await inferSegmenter(file, which));
  if (classNames && classNames.length !== head.numClasses)
    throw WeightsError.in(
      file,
      `expected weights for the ${classNames.length} classes of the list, got ${head.numClasses}`,
    );
  const model = createUperNet(network ?? createDenseBackbone(backbone), head);
  const store = new ParameterStore(model.specs);
  await withWeights(file, (source) => {
    const tensors = canonicalOrOwnNames(source, which);
    const options = { ...auxiliaryException(tensors), isNew: true };
    return loadTensors(file, tensors, parameterTargets(store), options);
  });
  return { backbone, model, store, version };
}

/** Short side of ADE20K's images in testing, and side of its windows, in pixels. */
const TEST_SIDE_PX = 512;

/**
 * Scales of multi-scale testing by version of ConvNeXt.
 *
 * @see ConvNeXt V2, appendix A.4; V1: segmentation code of BEiT, which its README names, tools/test.py
 */
const TEST_RATIOS = {
  1: [0.5, 0.75, 1, 1.25, 1.5, 1.75],
  2: [0.75, 0.875, 1, 1.125, 1.25],
} as const;

/**
 * Opens a segmenter with its card; for weight files without one (state dicts of mmsegmentation), ADE20K's preprocessing
 * and, for 150 classes, its names are used: images of at most 2048 x 512 pixels, windows of 512 with stride 341.
 *
 * @throws WeightsError if the file is of another task, does not fit, or has another number of classes than the list
 * @see https://github.com/facebookresearch/ConvNeXt/tree/main/semantic_segmentation, configs/_base_/datasets/ade20k.py
 */
export async function openSegmenter(
  { file, state }: LocatedModel,
  { which, classes, size, backbone: network, published }: LoadOptions,
): Promise<LoadedSegmenter & { readonly file: string; readonly card: SegmenterCard }> {
  const card = state ? readCard(file, state, 'segment') : published;
  if (card?.task === 'segment') {
    const loaded = await loadSegmenter(file, { which, architecture: card, network });
    return { ...loaded, file, card };
  }
  const loaded = await loadSegmenter(file, { which });
  const { backbone, model, version } = loaded;
  const architecture = { backbone, head: model.config, version };
  const { numClasses } = model.config;
  const origin = configOf(file, { ...backbone, numClasses }) ?? {};
  const training = await readTraining(file);
  const { classNames: trained, palette } = training;
  const isAde20k = trained !== undefined && areAde20k(trained);
  const labels =
    origin.labels ?? (trained?.length === numClasses && !isAde20k ? trained : undefined);
  const options = { classes: classes ?? labels, size: size ?? origin.inputSize };
  const ade20k = ade20kCard(file, architecture, options);
  const { limits = ade20k.limits, window = ade20k.window } =
    options.size === undefined ? training : {};
  const colors = palette?.length === numClasses ? palette : undefined;
  const pixels = pixelsOf(origin.mean ? origin : (training.pixels ?? {}));
  return { ...loaded, file, card: { ...ade20k, limits, window, pixels, palette: colors } };
}

/**
 * Model card of a segmenter whose file has none: test protocol of ADE20K, and its names for 150 classes. At one scale,
 * images of at most 4 × `size` by `size` pixels and windows of `size` with a stride of two thirds; at several scales,
 * whole images and the scales of the version of ConvNeXt.
 *
 * @param file for messages
 * @throws WeightsError if the number of names differs, or the size is too small
 */
export function ade20kCard(
  file: string,
  { backbone, head, version = 2 }: SegmenterArchitecture,
  { classes, size = TEST_SIDE_PX }: Pick<LoadOptions, 'classes' | 'size'> = {},
): SegmenterCard {
  if (size < 32)
    throw new WeightsError(`size: expected at least 32 pixels, got ${size}`, {
      flags: { size: '--size' },
    });
  return {
    task: 'segment',
    backbone,
    head,
    classNames: classNamesOf(file, head.numClasses, classes, ADE20K_CLASSES),
    pixels: IMAGENET_PIXELS,
    limits: { long: 4 * size, short: size },
    window: { cropSize: size, stride: Math.floor((2 * size) / 3) },
    ratios: TEST_RATIOS[version],
  };
}

/**
 * Derives the architecture of a UPerNet from the tensors of a file.
 *
 * @throws WeightsError if it is not a UPerNet
 */
export function inferSegmenter(file: string, which?: Which): Promise<SegmenterArchitecture> {
  return withWeights(file, (source) => {
    const { tensors, version } = canonicalWeights(source, which);
    return { ...segmenterOf(source, tensors), version };
  });
}
