import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CITYSCAPES_CLASSES } from '../classes/cityscapes.js';
import type { FolderSource } from '../segmentation-folder.js';
import { firstFile, folderNamed, splitFolders } from './folder-names.js';
import { segmentationData } from './folders.js';
import type { SegmentationData } from './types.js';

/** Ends of label files, in the order of preference: numbers of the evaluated classes, or of all. */
const ENDS = ['_labelTrainIds.png', '_labelIds.png'];

/**
 * Labels of pixels as of Cityscapes: `leftImg8bit/` and `gtFine/` with `*_labelIds.png` (or `*_labelTrainIds.png`), whose 19
 * evaluated classes are used. A `classes.txt` means other classes, and the objects of `*_instanceIds.png`.
 *
 * @see https://www.cityscapes-dataset.com/dataset-overview/
 */
export function cityscapesLayouts(root: string): readonly SegmentationData[] {
  const images = folderNamed(root, ['leftImg8bit']);
  const labels = folderNamed(root, ['gtFine', 'gtCoarse']);
  if (images === undefined || labels === undefined || existsSync(join(root, 'classes.txt')))
    return [];
  const names = Object.keys(CITYSCAPES_CLASSES);
  const ofLabels = splitFolders(labels);
  const splits: Record<string, FolderSource> = {};
  for (const [split, folder] of splitFolders(images)) {
    const own = ofLabels.get(split);
    if (own === undefined) continue;
    const labelEnd = ENDS.find((end) => firstFile(own, (name) => name.endsWith(end), 2));
    if (labelEnd === undefined) continue;
    const values =
      labelEnd === ENDS[0] ? names.map((_, k) => k) : Object.values(CITYSCAPES_CLASSES);
    const source = { images: folder, labels: own, labelEnd, classes: names, values };
    splits[split] = { ...source, othersIgnored: true };
  }
  return Object.keys(splits).length > 0
    ? [segmentationData('cityscapes', root, splits, 'Cityscapes labels')]
    : [];
}
