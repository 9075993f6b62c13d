import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isImageName } from '../../io/files/images.js';
import { ADE20K_CLASSES } from '../classes/ade20k.js';
import {
  readClassNames,
  splitFolderIn,
  SPLIT_NAMES,
  type FolderSource,
} from '../segmentation-folder.js';
import { hasSplit, subfolders } from '../imagenet.js';
import { LABEL_FILES } from '../imagenet-labels.js';
import { firstFile, folderNamed, IMAGE_FOLDERS, isLabelFolder } from './folder-names.js';
import type { ClassificationData, SegmentationData } from './types.js';

/** Folders of ADE20K, one per split. */
const ADE20K_SPLITS = { train: 'training', val: 'validation' } as const;

/**
 * The ADE20K scene parsing benchmark: `images/{training,validation}/*.jpg` and `annotations/{training,validation}/*.png` with 8-bit
 * labels of the image's size. Label 0 is "other" and ignored, 1 … 150 are the classes 0 … 149.
 *
 * @see http://sceneparsing.csail.mit.edu/
 */
export function ade20kLayouts(root: string): readonly SegmentationData[] {
  const splits: Record<string, FolderSource> = {};
  for (const [split, folder] of Object.entries(ADE20K_SPLITS)) {
    const [images, labels] = ['images', 'annotations'].map((part) => join(root, part, folder));
    if (existsSync(images) && existsSync(labels))
      splits[split] = { images, labels, classes: ADE20K_CLASSES, reduceZeroLabel: true };
  }
  return Object.keys(splits).length > 0
    ? [segmentationData('ade20k', root, splits, 'ADE20K layout')]
    : [];
}

/** `images/`, `labels/` and `classes.txt`, with or without one folder per split in both. */
export function folderLayouts(root: string): readonly SegmentationData[] {
  const [images, labels, classFile] = ['images', 'labels', 'classes.txt'].map((part) =>
    join(root, part),
  );
  if (![images, labels, classFile].every((path) => existsSync(path))) return [];
  const isText = firstFile(labels, (name) => /\.(txt|xml|json)$/i.test(name), 3) !== undefined;
  if (isText && firstFile(labels, (name) => /\.png$/i.test(name), 3) === undefined) return [];
  const classes = readClassNames(classFile);
  const splits: Record<string, FolderSource> = {};
  for (const split of Object.keys(SPLIT_NAMES) as (keyof typeof SPLIT_NAMES)[]) {
    const [imagePart, labelPart] = [images, labels].map((folder) => splitFolderIn(folder, split));
    if (imagePart !== undefined && labelPart !== undefined)
      splits[split] = { images: imagePart, labels: labelPart, classes };
  }
  if (Object.keys(splits).length === 0) splits['train'] = { images, labels, classes };
  return [segmentationData('folder', root, splits, 'images, labels and classes.txt')];
}

/** Creates the record and its description. */
export function segmentationData(
  layout: SegmentationData['layout'],
  root: string,
  splits: Readonly<Record<string, FolderSource>>,
  name: string,
): SegmentationData {
  const [{ classes }] = Object.values(splits);
  const line = `${name}: ${Object.keys(splits).join(', ')}, ${classes.length} classes`;
  return { kind: 'segmentation', layout, root, splits, line };
}

/** Class folders, divided into `train/` and `val/` or not, or images with a label file, as `readImageNet` accepts. */
export function imageNetLayouts(root: string): readonly ClassificationData[] {
  // These folders belong to other layouts, as does a label list next to them.
  if (['labels', 'annotations'].some((name) => existsSync(join(root, name)))) return [];
  const names = existsSync(root) ? subfolders(root) : [];
  // Images beside masks are no classes.
  if (folderNamed(root, [...IMAGE_FOLDERS, 'leftImg8bit']) && names.some(isLabelFolder)) return [];
  const divided = (['train', 'val'] as const).filter((split) => hasSplit(root, split));
  const parts = ['train', 'training', 'val', 'valid', 'validation'].map((name) => join(root, name));
  const folders = divided.length > 0 ? parts : [root];
  const isLabeled = folders.some(hasClassFolders) || [root, ...folders].some(hasLabelFile);
  if (!isLabeled) return [];
  return [classificationData(root, divided.length > 0 ? divided : ['all'])];
}

function hasLabelFile(folder: string): boolean {
  return LABEL_FILES.some((name) => existsSync(join(folder, name)));
}

/** Whether there are at least two folders, each with an image in it or one level deeper. */
function hasClassFolders(root: string): boolean {
  const folders = foldersIn(root);
  return folders.length > 1 && folders.every((folder) => holdsImage(folder, 1));
}

function holdsImage(folder: string, depth: number): boolean {
  const entries = readdirSync(folder, { withFileTypes: true });
  if (entries.some(({ name }) => isImageName(name))) return true;
  return depth > 0 && foldersIn(folder).some((below) => holdsImage(below, depth - 1));
}

function foldersIn(root: string): readonly string[] {
  return existsSync(root) ? subfolders(root).map((name) => join(root, name)) : [];
}

function classificationData(
  root: string,
  splits: ClassificationData['splits'],
): ClassificationData {
  const line = `ImageNet layout: ${splits.join(', ')}`;
  return { kind: 'classification', layout: 'imagenet', root, splits, line };
}
