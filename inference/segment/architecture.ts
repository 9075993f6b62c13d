import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { WeightsMismatchError } from '../../core/errors.js';
import { readModelConfig } from '../../io/model-config/read.js';
import type { TensorMap, TensorSource } from '../../io/tensor.js';
import { UPERNET, type UperNetConfig } from '../../models/upernet.js';
import { inferArchitecture } from '../../weights/architecture.js';
import { subtree } from '../../weights/select.js';
import { trainingOf } from '../training-meta.js';
import { backboneConfig, countNames, shapeOf, takesBackbone } from '../state-dict.js';

/** Architecture of a segmenter. */
export interface SegmenterArchitecture {
  readonly backbone: ConvNeXtV2Config;
  readonly head: UperNetConfig;
  /** Version of ConvNeXt: 1 if no block of the file has GRN. */
  readonly version?: 1 | 2 | undefined;
}

/**
 * Derives the architecture of a UPerNet from tensors. The number of its pooling modules is theirs, but not their scales:
 * those of four modules are 1, 2, 3 and 6 unless a configuration in the file or beside it has others.
 *
 * @param source the file, for its configuration
 * @param tensors canonical names
 * @throws WeightsError if they are not those of a UPerNet, or nothing says the pooling scales
 */
export function segmenterOf(source: TensorSource, tensors: TensorMap): SegmenterArchitecture {
  const { file } = source;
  const shape = (name: string): readonly number[] =>
    shapeOf(file, tensors, name, 'a UPerNet segmenter');
  const numScales = countNames(tensors, /^decode_head\.psp_modules\.\d+\.1\.conv\.weight$/);
  const { alignCorners, poolScales: trained } = trainingOf(source);
  if (alignCorners)
    throw WeightsMismatchError.in(
      file,
      'align_corners: expected False in its configuration, got True',
    );
  const hasHead = [...tensors.keys()].some((name) => name.startsWith('decode_head.'));
  if (numScales === 0 && hasHead)
    throw WeightsMismatchError.in(
      file,
      `expected a UPerNet, got a segmenter with another decode head (no decode_head.psp_modules); ${takesBackbone(file)}`,
    );
  const [numClasses, channels] = shape('decode_head.conv_seg.weight');
  if (numClasses < 2)
    throw WeightsMismatchError.in(
      file,
      'expected a segmenter with an output for every class, two or more, got one output (out_channels=1, which a threshold divides into two classes); train it with num_classes=2 and out_channels=2',
    );
  const known = [trained, readModelConfig(file)?.poolScales, UPERNET.poolScales];
  const poolScales = known.find((scales) => scales?.length === numScales);
  if (!poolScales)
    throw WeightsMismatchError.in(
      file,
      `expected ${UPERNET.poolScales.length} pooling modules, or a configuration with the scales of others, got ${numScales}; put a config.json beside the file: {"model_type": "upernet", "pool_scales": [${numScales} numbers]}`,
    );
  const auxiliary = readableAuxiliary(tensors);
  return {
    backbone: backboneConfig(inferArchitecture(file, subtree(tensors, 'backbone'))),
    head: {
      numClasses,
      channels,
      poolScales,
      auxiliary: { ...UPERNET.auxiliary, channels: auxiliary ?? UPERNET.auxiliary.channels },
    },
  };
}

const AUXILIARY = 'auxiliary_head.';
const AUXILIARY_NAME =
  /^auxiliary_head\.(conv_seg\.(weight|bias)|convs\.0\.(conv\.weight|bn\.\w+))$/;

/**
 * Channels of the auxiliary head, if it is the one that is trained here: one 3×3 convolution and a classifier on the third
 * level. Undefined if there is none, or others (several, or with more layers), which only training needs.
 */
export function readableAuxiliary(tensors: TensorMap): number | undefined {
  const names = [...tensors.keys()].filter((name) => name.startsWith(AUXILIARY));
  const [channels, inChannels, kernel] =
    tensors.get(`${AUXILIARY}convs.0.conv.weight`)?.shape ?? [];
  const level = tensors.get('backbone.norm2.weight')?.shape[0];
  const isOurs = names.every((name) => AUXILIARY_NAME.test(name));
  return isOurs && kernel === 3 && inChannels === level ? channels : undefined;
}

/** Exception for files without a readable auxiliary head, which inference does not need: it keeps its initial values. */
export function auxiliaryException(tensors: TensorMap): {
  readonly exceptions: readonly 'noAuxiliary'[];
} {
  return { exceptions: readableAuxiliary(tensors) === undefined ? ['noAuxiliary'] : [] };
}
