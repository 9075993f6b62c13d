import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LayoutError } from '../../core/errors.js';
import { describeSkipped, imagesBelow } from '../../io/files/images.js';
import type { ClassificationSample } from '../../datasets/sample.js';

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
 * COCO's year); otherwise all images of the folder are for training.
 *
 * @throws DataError if a folder is missing or has no images
 */
export function readImageSplits(root: string): {
  readonly training: ImageSet;
  readonly validation: ImageSet | undefined;
} {
  const find = (split: keyof typeof SPLITS): string | undefined =>
    [root, join(root, 'images')]
      .flatMap((parent) => SPLITS[split].map((name) => join(parent, name)))
      .find((path) => existsSync(path) && statSync(path).isDirectory());
  const [train, val] = [find('train'), find('val')];
  return {
    training: readImages(train ?? root),
    validation: train && val ? readImages(val) : undefined,
  };
}
