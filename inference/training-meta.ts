import type { TensorSource } from '../io/tensor.js';

/** Facts about its training that a checkpoint of OpenMMLab holds. */
interface TrainingMeta {
  /** By class index. */
  readonly classNames?: readonly string[] | undefined;
  readonly poolScales?: readonly number[] | undefined;
  /** Whether maps are resized with aligned corners. */
  readonly alignCorners: boolean;
}

/**
 * Reads what mmcv and mmengine leave under `meta`: names of the classes, and of the text of the configuration what tensors
 * do not show. The text is Python; only single values are found in it.
 */
export function trainingOf({ plain }: TensorSource): TrainingMeta {
  const meta = recordOf(plain['meta']);
  const classes = recordOf(meta['dataset_meta'])['classes'] ?? meta['CLASSES'] ?? meta['classes'];
  const isNamed =
    Array.isArray(classes) &&
    classes.length > 0 &&
    classes.every((name) => typeof name === 'string' && name.trim() !== '');
  const text = [meta['cfg'], meta['config']].find((value) => typeof value === 'string') as
    string | undefined;
  const scales = /pool_scales\s*=\s*[([]([\d\s,]+)[)\]]/.exec(text ?? '')?.[1];
  const numbers = scales?.split(',').map((number) => number.trim());
  return {
    classNames: isNamed ? (classes as readonly string[]).map((name) => name.trim()) : undefined,
    poolScales: numbers?.filter((number) => /^[1-9]\d{0,3}$/.test(number)).map(Number),
    alignCorners: /align_corners\s*=\s*True/.test(text ?? ''),
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
