import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import { isImageName } from '../../io/files/images.js';
import type { ClassificationSample } from '../../datasets/sample.js';

/** Images without labels. */
export interface ImageSet {
  readonly folder: string;
  /** In the order of their paths; the class is −1, unknown. */
  readonly samples: readonly ClassificationSample[];
}

const SPLITS = {
  train: ['train', 'training', 'train2017'],
  val: ['val', 'validation', 'valid', 'val2017'],
} as const;

/**
 * All JPEG and PNG images of a folder and those below it. Hidden files and folders are left out.
 *
 * @throws DataError if the folder is missing or holds no image
 */
export function readImages(folder: string): ImageSet {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new DataError(`${folder}: expected a folder of images, got none`, { file: folder });
  }
  const samples = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => isImageName(path) && !/(^|[\\/])\./.test(path))
    .sort()
    .map((path) => ({ file: join(folder, path), classIndex: -1 }));
  if (samples.length === 0) {
    throw new DataError(`${folder}: expected JPEG or PNG images, got none`, { file: folder });
  }
  return { folder, samples };
}

/**
 * Images to train on and, where the set has them, to hold out: folders named `train` and `val` (also `images/train`, or with
 * COCO's year); else all images of the folder are trained on.
 *
 * @throws DataError if a folder is missing or holds no image
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
