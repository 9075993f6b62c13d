import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isImageName } from '../../io/files/images.js';
import { listFiles } from '../../io/files/list.js';
import { ImageIndex } from '../annotations/image-index.js';
import { imageFinder, maskFiles } from '../annotations/masks.js';
import type { AnnotationSource } from '../annotations/source.js';
import { CITYSCAPES_THINGS } from '../classes/cityscapes.js';
import { readClassNames } from '../class-names.js';
import { firstFile, folderNamed, foldersIn, IMAGE_FOLDERS, splitFolders } from './folder-names.js';
import { recognizedDetection } from './recognized.js';
import type { DetectionLayouts, SplitName } from './types.js';

const NUMBERED = /_instanceIds\.png$/i;
const MASK_FOLDER = /^(\w*[-_])?\w*masks?$|^instances?$/i;

/**
 * PNGs whose values tell the objects of an image apart: a folder of images and one of masks, as in torchvision's tutorial
 * (`PNGImages/`, `PedMasks/`), or files `*_instanceIds.png` as in Cityscapes, beside the images or in `gtFine/`.
 */
export const instanceMaskLayouts: DetectionLayouts = async (root, classes) => {
  const splits = numberedParts(root) ?? plainParts(root);
  if (splits.size === 0) return [];
  const sources = [...splits.values()];
  const counts: number[] = [];
  for (const { annotations, images = annotations, classNumbers } of sources) {
    const find = imageFinder(ImageIndex.of(images));
    const masks = maskFiles(annotations, classNumbers !== undefined);
    counts.push(masks.filter((path) => find(path) !== undefined).length);
  }
  if (counts.every((count) => count === 0)) return [];
  const isNumbered = sources[0].classNumbers !== undefined;
  const { names, classNumbers } = namesOf(root, isNumbered, classes);
  const name = isNumbered ? 'instance masks with class numbers' : 'instance masks';
  const numbered = [...splits].map(
    ([split, source]) => [split, { ...source, classNumbers }] as const,
  );
  return [recognizedDetection({ layout: 'masks', root, splits: numbered, name, counts, names })];
};

/** Class names: as listed, from number 1 on unless the first is the background; else those of Cityscapes, or one. */
function namesOf(
  root: string,
  isNumbered: boolean,
  classes: readonly string[] | undefined,
): Pick<AnnotationSource, 'classNumbers'> & { readonly names: readonly string[] } {
  const file = join(root, 'classes.txt');
  const listed = classes ?? (existsSync(file) ? readClassNames(file) : undefined);
  if (!isNumbered) return { names: listed?.filter((name) => !isBackground(name)) ?? ['object'] };
  if (!listed) return { names: CITYSCAPES_THINGS.names, classNumbers: 'cityscapes' };
  const first = isBackground(listed[0]) ? 1 : 0;
  const names = listed.slice(first);
  return { names, classNumbers: names.map((_, k) => k + 1) };
}

const isBackground = (name: string): boolean => /^_*(background|unlabell?ed)_*$/i.test(name);

/** Parts with masks whose values hold class numbers. */
function numberedParts(root: string): ReadonlyMap<SplitName, AnnotationSource> | undefined {
  const isNumbered = (name: string): boolean => NUMBERED.test(name);
  const labels = folderNamed(root, [
    'gtFine',
    'gtCoarse',
    'masks',
    'labels',
    'annotations',
    'instances',
  ]);
  const folder = labels !== undefined && firstFile(labels, isNumbered, 3) ? labels : root;
  if (firstFile(folder, isNumbered, 3) === undefined) return undefined;
  const images = folderNamed(root, ['leftImg8bit', ...IMAGE_FOLDERS]) ?? root;
  return partsIn(folder, images, { classNumbers: 'cityscapes' });
}

/** Parts with a folder of images and one of masks of the same names. */
function plainParts(root: string): ReadonlyMap<SplitName, AnnotationSource> {
  const own = partOf(root);
  if (own) return own;
  const parts = new Map<SplitName, AnnotationSource>();
  for (const [split, folder] of splitFolders(root)) {
    const source = partOf(folder)?.get('train');
    if (source) parts.set(split, source);
  }
  return parts;
}

function partOf(root: string): ReadonlyMap<SplitName, AnnotationSource> | undefined {
  const images = folderNamed(root, IMAGE_FOLDERS);
  const masks = foldersIn(root).filter((name) => MASK_FOLDER.test(name));
  if (images === undefined || masks.length !== 1) return undefined;
  const folder = join(root, masks[0]);
  const all = listFiles(folder, () => true);
  if (all.length === 0 || !all.every((path) => !isImageName(path) || /\.png$/i.test(path)))
    return undefined;
  return partsIn(folder, images, {});
}

/** Divides folders of masks and images by their split folders, if both have them. */
function partsIn(
  annotations: string,
  images: string,
  fields: Partial<AnnotationSource>,
): ReadonlyMap<SplitName, AnnotationSource> {
  const ofImages = splitFolders(images);
  const parts = new Map<SplitName, AnnotationSource>();
  for (const [split, folder] of splitFolders(annotations)) {
    const own = ofImages.get(split);
    if (own !== undefined)
      parts.set(split, { format: 'masks', annotations: folder, images: own, ...fields });
  }
  if (parts.size === 0) parts.set('train', { format: 'masks', annotations, images, ...fields });
  return parts;
}
