import { WeightsMismatchError } from '../core/errors.js';
import { openMmlabConfig, type OpenMmlabConfig } from '../io/model-config/openmmlab.js';
import type { TensorSource } from '../io/tensor.js';
import { withWeights } from '../weights/open.js';
import type { SegmenterCard } from './card.js';

/** Facts about its training that a checkpoint of OpenMMLab holds. */
interface TrainingMeta extends OpenMmlabConfig {
  /** By class index. */
  readonly classNames?: readonly string[] | undefined;
  /** Colors of the classes, by class index. */
  readonly palette?: SegmenterCard['palette'];
}

/**
 * Reads what mmcv and mmengine leave under `meta`: names and colors of the classes, and of the text of the configuration
 * what tensors do not show. The text is Python; only single values are found in it.
 */
export function trainingOf({ plain }: TensorSource): TrainingMeta {
  const meta = recordOf(plain['meta']);
  const dataset = recordOf(meta['dataset_meta']);
  const classes = firstList(dataset['classes'], dataset['CLASSES'], meta['CLASSES'], meta['classes']); // prettier-ignore
  const colors = firstList(dataset['palette'], dataset['PALETTE'], meta['PALETTE'], meta['palette']); // prettier-ignore
  const isNamed = classes?.every((name) => typeof name === 'string' && name.trim() !== '');
  const text = [meta['cfg'], meta['config']].find((value) => typeof value === 'string');
  return {
    classNames: isNamed ? (classes as readonly string[]).map((name) => name.trim()) : undefined,
    palette: colors?.every(isColor) ? colors : undefined,
    ...openMmlabConfig(typeof text === 'string' ? text : ''),
  };
}

/** {@link trainingOf} a file, whose network gets red, green and blue. @throws WeightsError for another order */
export async function readTraining(file: string): Promise<TrainingMeta> {
  const training = await withWeights(file, trainingOf);
  if (training.isBgr)
    throw WeightsMismatchError.in(
      file,
      'bgr_to_rgb: expected True in its configuration, got False; reverse the channels of its stem: weight.flip(1)',
    );
  return training;
}

/** The first value that is a list of one item or more. */
const firstList = (...values: readonly unknown[]): readonly unknown[] | undefined =>
  values.find((value): value is readonly unknown[] => Array.isArray(value) && value.length > 0);

function isColor(value: unknown): value is readonly [number, number, number] {
  const isByte = (part: unknown): boolean =>
    Number.isInteger(part) && (part as number) >= 0 && (part as number) <= 255;
  return Array.isArray(value) && value.length === 3 && value.every(isByte);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
