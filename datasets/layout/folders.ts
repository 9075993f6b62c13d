import { existsSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { isImageName } from '../../io/files/images.js';
import { ADE20K_CLASSES } from '../classes/ade20k.js';
import { readClassNames } from '../class-names.js';
import type { FolderSource } from '../segmentation-folder.js';
import type { SegmentationSource } from '../segmentation-source.js';
import { hasSplit, subfolders } from '../imagenet.js';
import { isLabelFile, LABEL_FILES } from '../imagenet-labels.js';
import {
  firstFile,
  folderNamed,
  IMAGE_FOLDERS,
  isLabelFolder,
  splitFolders,
} from './folder-names.js';
import { hasLabelTable, readLabelTable } from './label-table.js';
import type { ClassificationData, SegmentationData, SplitName } from './types.js';

/** Folders of ADE20K, one per split. */
const ADE20K_SPLITS = { train: 'training', val: 'validation' } as const;

/**
 * The ADE20K scene parsing benchmark: `images/{training,validation}/*.jpg` and `annotations/{training,validation}/*.png` with 8-bit
 * labels of the image's size. Label 0 is "other" and ignored, 1 … 150 are the classes 0 … 149.
 *
 * @see http://sceneparsing.csail.mit.edu/
 */
export function ade20kLayouts(root: string): readonly SegmentationData[] {
  // A list of classes means other labels than those of the benchmark.
  if (existsSync(join(root, 'classes.txt'))) return [];
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

/** Names of folders with label PNGs, ignoring case. */
const LABEL_FOLDERS = [
  'labels',
  'label',
  'annotations',
  'annotation',
  'masks',
  'mask',
  'labelmaps',
  'groundtruth',
  'gt',
];

/**
 * A folder of images, one of label PNGs and the names of the classes 0, 1, … in `classes.txt` or as given; with or
 * without one folder per split in or around both.
 */
export function folderLayouts(
  root: string,
  classes?: readonly string[],
): readonly SegmentationData[] {
  const classFile = join(root, 'classes.txt');
  const hasList = existsSync(classFile);
  const sources = folderParts(root);
  const [first] = sources.values();
  if (first === undefined) return [];
  const given = classes ?? (hasList ? readClassNames(classFile) : undefined);
  const labels = readLabelTable(root, given) ?? readLabelTable(first.images, given);
  const named = labels ?? (given && { classes: given });
  if (named === undefined) return [];
  const splits = Object.fromEntries(
    [...sources].map(([split, source]) => [split, { ...source, ...named }]),
  );
  const origin = classes ? 'classes as given' : hasList ? 'classes.txt' : 'a table of classes';
  return [segmentationData('folder', root, splits, `images, labels and ${origin}`)];
}

type FolderPart = Pick<FolderSource, 'images' | 'labels'>;

/** Images and labels of the parts of a set, whose classes may have no names. */
export function folderParts(root: string): ReadonlyMap<SplitName, FolderPart> {
  const parts = new Map<SplitName, FolderPart>();
  const add = (split: SplitName, images: string | undefined, labels: string | undefined): void => {
    if (images !== undefined && labels !== undefined && holdsLabels(labels))
      parts.set(split, { images, labels });
  };
  const labelFolder = (folder: string): string | undefined => {
    const named = LABEL_FOLDERS.map((name) => folderNamed(folder, [name]));
    return named.find((found) => found !== undefined && holdsLabels(found));
  };
  const images = folderNamed(root, IMAGE_FOLDERS);
  const labels = labelFolder(root);
  if (images !== undefined && labels !== undefined) {
    const ofLabels = splitFolders(labels);
    for (const [split, folder] of splitFolders(images)) add(split, folder, ofLabels.get(split));
    if (parts.size === 0) add('train', images, labels);
    return parts;
  }
  for (const [split, folder] of splitFolders(root)) {
    add(split, folderNamed(folder, IMAGE_FOLDERS), labelFolder(folder));
    // CamVid: `train/` and `train_labels/`; Roboflow: masks beside their images.
    if (!parts.has(split)) add(split, folder, labelsBeside(folder));
    if (!parts.has(split) && hasLabelTable(folder)) add(split, folder, folder);
  }
  const whole = folderNamed(root, ['default']);
  if (parts.size === 0 && whole !== undefined) add('train', whole, labelsBeside(whole));
  return parts;
}

/** Finds the folder of the labels of a folder of images by its name: `train_labels`, `trainannot`, `default_masks`. */
function labelsBeside(images: string): string | undefined {
  const ends = ['labels', 'label', 'annot', 'annotations', 'masks', 'mask', 'gt'];
  const names = ends.flatMap((end) => [end, `_${end}`]).map((end) => basename(images) + end);
  return folderNamed(dirname(images), names);
}

/** Whether a folder has label PNGs, not files of another format or instance masks alone. */
function holdsLabels(folder: string): boolean {
  const isText = firstFile(folder, (name) => /\.(txt|xml|json)$/i.test(name), 3) !== undefined;
  if (firstFile(folder, (name) => /_instanceIds\.png$/i.test(name), 3) !== undefined) return false;
  return !isText || firstFile(folder, (name) => /\.png$/i.test(name), 3) !== undefined;
}

/** Creates the record and its description. */
export function segmentationData(
  layout: SegmentationData['layout'],
  root: string,
  splits: Readonly<Record<string, SegmentationSource>>,
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
  // Also a folder for each image, with `images/` and `masks/` in it.
  if ([root, ...splitFolders(root).values(), ...foldersIn(root)].some(hasLabels)) return [];
  const divided = (['train', 'val'] as const).filter((split) => hasSplit(root, split));
  const parts = ['train', 'training', 'val', 'valid', 'validation'].map((name) => join(root, name));
  const folders = divided.length > 0 ? parts : [root];
  const isLabeled = folders.some(hasClassFolders) || [root, ...folders].some(hasLabelFile);
  if (!isLabeled || [...folders, ...folders.flatMap(foldersIn)].some(areAnnotated)) return [];
  return [classificationData(root, divided.length > 0 ? divided : ['all'])];
}

/** Whether a folder has images in one folder and masks of them in another, which are no classes. */
function hasLabels(folder: string): boolean {
  const names = subfolders(folder);
  const images = folderNamed(folder, [...IMAGE_FOLDERS, 'leftImg8bit']);
  if (images !== undefined && names.some(isLabelFolder)) return true;
  return names.some((name) => labelsBeside(join(folder, name)) !== undefined);
}

/** Whether the images of a folder have annotation files beside them, so that a list there is of other classes. */
function areAnnotated(folder: string): boolean {
  const image = firstFile(folder, isImageName);
  if (image === undefined) return false;
  const stem = image.slice(0, -extname(image).length);
  return ['.json', '.xml', '.txt'].some((extension) => existsSync(stem + extension));
}

function hasLabelFile(folder: string): boolean {
  return existsSync(folder) && LABEL_FILES.some((name) => isLabelFile(join(folder, name)));
}

/** Whether there are at least two folders, each with an image in it or one level deeper. */
function hasClassFolders(root: string): boolean {
  const folders = foldersIn(root);
  return (
    folders.length > 1 && folders.every((folder) => firstFile(folder, isImageName, 1) !== undefined)
  );
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
