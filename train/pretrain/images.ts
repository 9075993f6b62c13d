import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LayoutError } from '../../core/errors.js';
import { describeSkipped, imagesBelow } from '../../io/files/images.js';
import type { DataOptions } from '../../datasets/layout/types.js';
import type { ClassificationSample } from '../../datasets/sample.js';
import { assertDivisible, splitSamples } from '../../datasets/split.js';

/** A set of unlabeled images. */
export interface ImageSet {
  readonly folder: string;
  /** Line about the files that are skipped, if any. */
  readonly skipped?: string | undefined;
  /** Sorted by path; the class is −1, unknown. */
  readonly samples: readonly ClassificationSample[];
}

const SPLITS = {
  train: ['train', 'training', 'train2017'],
  val: ['val', 'validation', 'valid', 'val2017'],
} as const;

/**
 * Lists all images of a folder, recursively. Hidden files and folders are left out.
 *
 * @throws DataError if the folder is missing or has no images
 */
export function readImages(folder: string): ImageSet {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw LayoutError.in(folder, 'expected a folder of images, got none');
  }
  const { images, others } = imagesBelow(folder);
  const skipped = describeSkipped(others);
  if (images.length === 0)
    throw LayoutError.in(
      folder,
      `expected images, got none${skipped === undefined ? '' : `; ${skipped}`}`,
    );
  return { folder, skipped, samples: images.map((file) => ({ file, classIndex: -1 })) };
}

/**
 * Finds training images and, if any, held-out images: folders named `train` and `val` (also `images/train`, or with
 * COCO's year); otherwise all images of the folder are for training, or divided if a fraction is given.
 *
 * @throws DataError if a folder is missing or has no images; ConfigError for a fraction of a set with splits
 */
export function readImageSplits(
  root: string,
  { valFraction, seed = 0 }: Pick<DataOptions, 'valFraction' | 'seed'> = {},
): {
  readonly training: ImageSet;
  readonly validation: ImageSet | undefined;
} {
  const find = (split: keyof typeof SPLITS): string | undefined =>
    [root, join(root, 'images')]
      .flatMap((parent) => SPLITS[split].map((name) => join(parent, name)))
      .find((path) => existsSync(path) && statSync(path).isDirectory());
  const [train, val] = [find('train'), find('val')];
  const training = readImages(train ?? root);
  const validation = train && val ? readImages(val) : undefined;
  if (valFraction === undefined) return { training, validation };
  assertDivisible(valFraction, validation === undefined, `${root}: train and val`);
  const parts = splitSamples(training, { valFraction, seed }, root);
  return { training: parts.train, validation: parts.val };
}
