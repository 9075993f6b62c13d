import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../core/errors.js';
import { ADE20K_CLASSES } from './classes/ade20k.js';
import type { SegmentationSet } from './folder.js';
import { pairFiles } from './folder-pairs.js';
import type { LabelMapping } from './png-label-map.js';

/** Label 0 is "other" and ignored, 1 … 150 are the classes 0 … 149. */
export const ADE20K_MAPPING: LabelMapping = { numClasses: 150, reduceZeroLabel: true };

/** Folders of the benchmark, one per split. */
export const ADE20K_SPLITS = { train: 'training', val: 'validation' } as const;

/**
 * The ADE20K scene parsing benchmark: `images/{training,validation}/*.jpg` and `annotations/{training,validation}/*.png`
 * with 8-bit labels of the image's size.
 *
 * @param root folder with `images` and `annotations`
 * @throws DataError if a folder is missing or an image or label is unpaired
 * @see http://sceneparsing.csail.mit.edu/
 */
export function loadAde20k(root: string, split: keyof typeof ADE20K_SPLITS): SegmentationSet {
  const folder = ADE20K_SPLITS[split];
  const [images, labels] = ['images', 'annotations'].map((part) => join(root, part, folder));
  for (const path of [images, labels])
    if (!existsSync(path))
      throw new DataError(`${root}: expected the folder ${path}, got none`, { file: path });
  return {
    source: root,
    samples: pairFiles(images, labels),
    classes: ADE20K_CLASSES,
    mapping: ADE20K_MAPPING,
  };
}
