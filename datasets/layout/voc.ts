import { basename, extname } from 'node:path';
import { isImageName } from '../../io/files/images.js';
import type { AnnotationSource } from '../annotations/source.js';
import { vocClasses } from '../annotations/voc.js';
import { listedClasses } from './class-file.js';
import {
  annotationFolder,
  firstFile,
  folderNamed,
  IMAGE_FOLDERS,
  splitFolders,
  startOf,
} from './folder-names.js';
import { recognizedDetection } from './recognized.js';
import { listFolder, splitLists, vocFolders } from './split-names.js';
import type { DetectionData, DetectionLayouts, SplitName } from './types.js';

/** Names of folders with annotation files, ignoring case. */
const XML_FOLDERS = ['annotations', 'annotation', 'xml', 'xmls', 'labels'];
const isXml = (name: string): boolean => extname(name).toLowerCase() === '.xml';

/**
 * Pascal VOC files: `Annotations/`, `JPEGImages/` and `ImageSets/Main` as published (also below `VOCdevkit/VOC2012`), a
 * folder of XML files and one of images, or XML files beside the images; with a folder for each split, or undivided.
 */
export const vocLayouts: DetectionLayouts = async (root, classes) => {
  const found: DetectionData[] = [];
  for (const base of vocFolders(root)) {
    const splits = splitsOf(base);
    if (splits.size > 0) found.push(await vocData(base, splits, classes));
  }
  return found;
};

async function vocData(
  root: string,
  splits: ReadonlyMap<SplitName, AnnotationSource>,
  classes: readonly string[] | undefined,
): Promise<DetectionData> {
  const { names, counts } = await vocClasses([...splits.values()]);
  return recognizedDetection({
    layout: 'voc',
    root,
    splits,
    name: 'VOC boxes',
    counts,
    names: listedClasses(root) ?? names,
    classes,
  });
}

function splitsOf(root: string): ReadonlyMap<SplitName, AnnotationSource> {
  const splits = new Map<SplitName, AnnotationSource>();
  const xmlFolder = annotationFolder(root, XML_FOLDERS);
  if (xmlFolder !== undefined && holdsVoc(xmlFolder)) {
    // The published sets name the images of each split.
    const images = imageFolderOf(root, xmlFolder);
    for (const [split, list] of splitLists(listFolder(root, 'Main')))
      splits.set(split, source(xmlFolder, images, list));
    if (splits.size > 0) return splits;
    for (const [split, folder] of splitFolders(xmlFolder))
      if (holdsVoc(folder)) splits.set(split, source(folder, imageFolderOf(root, folder, split)));
    if (splits.size > 0) return splits;
  }
  for (const [split, folder] of splitFolders(root)) {
    const inside = folderNamed(folder, XML_FOLDERS) ?? folder;
    if (holdsVoc(inside)) splits.set(split, source(inside, imageFolderOf(folder, inside)));
  }
  if (splits.size > 0) return splits;
  const single = [xmlFolder, root].find((folder) => folder !== undefined && holdsVoc(folder));
  if (single !== undefined) splits.set('train', source(single, imageFolderOf(root, single)));
  return splits;
}

function source(annotations: string, images: string | undefined, list?: string): AnnotationSource {
  return { format: 'voc', annotations, images, list };
}

/** Finds the folder of the images of a folder of annotation files. @param split of both, in folders of their own */
function imageFolderOf(root: string, xmlFolder: string, split?: SplitName): string | undefined {
  const first = firstFile(xmlFolder, isXml, 2) ?? '';
  const stem = basename(first, extname(first));
  const named = IMAGE_FOLDERS.map((name) => folderNamed(root, [name])).filter(
    (n) => n !== undefined,
  );
  const ofSplit = named.flatMap((folder) =>
    split === undefined ? [] : (splitFolders(folder).get(split) ?? []),
  );
  const splitFolder = split === undefined ? undefined : splitFolders(root).get(split);
  const candidates = [...ofSplit, splitFolder, ...named, xmlFolder, root].filter(
    (folder) => folder !== undefined,
  );
  const isItsImage = (name: string): boolean =>
    isImageName(name) && basename(name, extname(name)) === stem;
  return (
    candidates.find((folder) => firstFile(folder, isItsImage, 2) !== undefined) ??
    candidates.find((folder) => firstFile(folder, isImageName, 2) !== undefined)
  );
}

/** Whether a folder has files of VOC, told by the root element of the first XML file in it or below. */
function holdsVoc(folder: string): boolean {
  const first = firstFile(folder, isXml, 2);
  return first !== undefined && /<annotation[\s>/]/.test(startOf(first));
}
