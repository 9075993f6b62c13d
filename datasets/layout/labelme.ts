import { extname } from 'node:path';
import { isImageName } from '../../io/files/images.js';
import type { AnnotationSource } from '../annotations/source.js';
import { completeParts } from './complete-parts.js';
import {
  filesIn,
  firstFile,
  folderNamed,
  foldersIn,
  IMAGE_FOLDERS,
  splitFolders,
  startOf,
} from './folder-names.js';
import type { DetectionLayouts, SplitName } from './types.js';

/** Names of folders with annotation files, ignoring case. */
const JSON_FOLDERS = ['annotations', 'annotation', 'labels', 'label', 'json', 'jsons', 'labelme'];

/**
 * LabelMe files beside the images or in a folder of their own, with a folder for each split in or around them, or
 * undivided.
 */
export const labelMeLayouts: DetectionLayouts = async (root, classes) => {
  const splits = partsOf(root);
  if (splits.size === 0) return [];
  return [await completeParts({ layout: 'labelme', root, splits, name: 'LabelMe', classes })];
};

function partsOf(root: string): ReadonlyMap<SplitName, AnnotationSource> {
  const parts = new Map<SplitName, AnnotationSource>();
  const add = (split: SplitName, folder: string, images: string): void => {
    if (holdsLabelMe(folder)) parts.set(split, { format: 'labelme', annotations: folder, images });
  };
  const images = folderNamed(root, IMAGE_FOLDERS);
  const ofImages = images === undefined ? new Map<SplitName, string>() : splitFolders(images);
  const annotations = folderNamed(root, JSON_FOLDERS);
  if (annotations !== undefined)
    for (const [split, folder] of splitFolders(annotations))
      add(split, folder, ofImages.get(split) ?? images ?? root);
  if (parts.size > 0) return parts;
  for (const [split, folder] of splitFolders(root)) {
    const inside = folderNamed(folder, JSON_FOLDERS);
    const own = firstFile(folder, isImageName, 2) === undefined ? ofImages.get(split) : undefined;
    add(
      split,
      inside ?? folder,
      own ??
        (images !== undefined && inside === undefined && !firstFile(folder, isImageName, 2)
          ? images
          : folder),
    );
  }
  if (parts.size > 0) return parts;
  if (annotations !== undefined) add('train', annotations, images ?? root);
  if (parts.size === 0) add('train', root, root);
  return parts;
}

/** Number of JSON files in a folder that are looked at. */
const MOST_FILES = 20;

/** Whether a folder, or one below it, has a LabelMe file. */
function holdsLabelMe(folder: string, depth = 2): boolean {
  const files = filesIn(folder).filter((file) => extname(file).toLowerCase() === '.json');
  if (files.slice(0, MOST_FILES).some(isLabelMeFile)) return true;
  return (
    depth > 0 && foldersIn(folder).some((name) => holdsLabelMe(`${folder}/${name}`, depth - 1))
  );
}

/** Whether a file is of LabelMe, told by its first fields. */
function isLabelMeFile(file: string): boolean {
  const start = startOf(file);
  const hasField = /"(shapes|imagePath|imageData|lineColor)"\s*:/.test(start);
  return hasField && !/"(images|annotations|categories|_via_[a-z_]+)"\s*:/.test(start);
}
