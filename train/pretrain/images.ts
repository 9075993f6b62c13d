import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import { isImageName } from '../../io/files/images.js';
import type { ClassificationSample } from '../../datasets/sample.js';

/** A set of unlabeled images. */
export interface ImageSet {
  readonly folder: string;
  /** Sorted by path; the class is −1, unknown. */
  readonly samples: readonly ClassificationSample[];
}

const SPLITS = {
  train: ['train', 'training', 'train2017'],
  val: ['val', 'validation', 'valid', 'val2017'],
} as const;

/**
 * Lists all JPEG and PNG images of a folder, recursively. Hidden files and folders are skipped.
 *
 * @throws DataError if the folder is missing or has no images
 */
export function readImages(folder: string): ImageSet {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw DataError.in(folder, 'expected a folder of images, got none');
  }
  const samples = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => isImageName(path) && !/(^|[\\/])\./.test(path))
    .sort()
    .map((path) => ({ file: join(folder, path), classIndex: -1 }));
  if (samples.length === 0) {
    throw DataError.in(folder, 'expected JPEG or PNG images, got none');
  }
  return { folder, samples };
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
