import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ConfigError, DataError, LayoutError } from '../../core/errors.js';
import { isImageName } from '../../io/files/images.js';
import { readText } from '../../io/files/text.js';
import { readYaml } from '../../io/yaml/read.js';
import { checkYoloYaml, isYoloYaml, type YoloYaml } from '../../io/yolo/data-yaml.js';
import { readYoloLabels, type YoloObject } from '../../io/yolo/labels.js';
import type { AnnotationSource } from '../annotations/source.js';
import { imageOfLabel, labelOf, yoloImages, type YoloImage } from '../annotations/yolo.js';
import { commonFolder, folderOfList, listedImages, MAX_PATH } from '../annotations/yolo-list.js';
import { readInOrder } from '../annotations/in-order.js';
import { errorAsValueSync } from '../problems.js';
import { readClassNames } from '../class-names.js';
import { notedClasses } from './class-file.js';
import { darknetLists } from './darknet.js';
import {
  annotationFolder,
  firstFile,
  folderNamed,
  foldersIn,
  splitFolders,
  startOf,
} from './folder-names.js';
import { recognizedDetection } from './recognized.js';
import { splitOfName } from './split-names.js';
import type { DetectionData, DetectionLayouts } from './types.js';

type Splits = Readonly<Record<string, AnnotationSource>>;

/**
 * Reads the `data.yaml` of a YOLO set.
 *
 * @param classes names to load; default: all of the file
 * @throws DataError if it is wrong, names no folder that exists, or describes keypoints or oriented boxes
 */
export async function yoloYamlLayout(
  file: string,
  classes?: readonly string[],
): Promise<DetectionData> {
  const content = readYaml(file);
  if (!isYoloYaml(content)) throw LayoutError.in(file, 'expected the data.yaml of a YOLO set');
  const yaml = checkYoloYaml(content, file);
  const splits: Record<string, AnnotationSource> = {};
  let absent = '';
  for (const [split, paths] of Object.entries(yaml.parts)) {
    const found = paths.map((path) => located(path, yaml, file));
    const missing = found.findIndex((path) => path === undefined);
    if (missing < 0) splits[split] = partOf(found as readonly string[], file);
    // Many files name a test part that nobody downloaded.
    else if (split === 'test') absent = `; test: ${paths[missing]} does not exist`;
    else
      throw LayoutError.in(
        file,
        `${split}: expected a folder or text file that exists, got ${paths[missing]}${yaml.path === undefined ? '' : ` in ${yaml.path}`}`,
      );
  }
  const data = await yoloData(file, splits, { names: yaml.names, classes });
  return { ...data, line: data.line + absent };
}

/** Whether a YAML file describes a YOLO set. */
export const isYoloFile = (file: string): boolean => isYoloYaml(readYaml(file));

/** Finds the one YAML file that describes a YOLO set, which may have any name; others may be anything. */
export function yoloYamlIn(folder: string): string | undefined {
  const found = readdirSync(folder)
    .filter((name) => /\.ya?ml$/i.test(name))
    .map((name) => join(folder, name))
    .filter((file) => {
      try {
        const content = readYaml(file);
        return isYoloYaml(content) && typeof (content as { names?: unknown }).names === 'object';
      } catch {
        return false;
      }
    });
  return found.length === 1 ? found[0] : undefined;
}

/**
 * YOLO label files without a `data.yaml`: `images/` and `labels/`, with a folder for each split in or around them, or
 * label files beside the images. Class names are those of `classes.txt` or `*.names`, or as given.
 */
export const yoloLayouts: DetectionLayouts = async (root, classes) => {
  const splits = splitsOf(root);
  if (Object.keys(splits).length === 0) return [];
  const nameFile = nameFileOf(root, splits);
  const names = nameFile === undefined ? notedClasses(root) : readClassNames(nameFile);
  const known = names ? { names, classes } : { names: classes };
  return [await yoloData(root, splits, known)];
};

/** Finds a part that a `data.yaml` names. Many were written on other machines, so that only the end of a path fits. */
function located(path: string, yaml: YoloYaml, file: string): string | undefined {
  if (path.length > MAX_PATH) return undefined; // no system has it, and all its ends would take the square of its length
  const own = dirname(resolve(file));
  const bases = yaml.path === undefined ? [own] : [resolve(own, yaml.path), own];
  const words = path.split(/[/\\]/).filter((word) => word !== '' && word !== '.' && word !== '..');
  const ends = words.map((_, i) => words.slice(i).join('/'));
  const isAway = isAbsolute(path) || /^([a-z]:|\.\.)[/\\]/i.test(path);
  const candidates = [
    ...bases.map((base) => resolve(base, path.replaceAll('\\', '/'))),
    ...bases.flatMap((base) => (isAway ? ends : ends.slice(0, 1)).map((end) => join(base, end))),
  ];
  return candidates.find((candidate) => existsSync(candidate));
}

/** Source of folders or a text file. */
function partOf(paths: readonly string[], file: string): AnnotationSource {
  const format = 'yolo' as const;
  const lists = paths.filter((path) => !statSync(path).isDirectory());
  if (lists.length > 0) {
    if (paths.length > 1)
      throw LayoutError.in(
        file,
        `expected one text file or several folders for a part, got ${paths.join(', ')}`,
      );
    return listSource(lists[0], folderOfList(lists[0]) ?? dirname(lists[0]));
  }
  if (paths.length === 1) return { format, annotations: labelFolderOf(paths[0]), images: paths[0] };
  const base = commonFolder(paths);
  const folders = paths.map((path) => relative(base, path).split(sep).join('/'));
  return { format, annotations: base, images: base, folders };
}

/** The folder `labels` instead of `images`, or the folder of the images. */
function labelFolderOf(images: string): string {
  const parts = images.split(sep);
  const at = parts.findLastIndex((part) => /^images$/i.test(part));
  if (at >= 0) {
    const beside = folderNamed(parts.slice(0, at).join(sep) || sep, ['labels']);
    const other = beside === undefined ? undefined : join(beside, ...parts.slice(at + 1));
    if (other !== undefined && existsSync(other) && statSync(other).isDirectory()) return other;
  }
  const [inside, labels] = [folderNamed(images, ['images']), folderNamed(images, ['labels'])];
  return inside !== undefined && labels !== undefined ? labels : images;
}

/** Source of a text file that lists images. */
function listSource(list: string, images: string): AnnotationSource {
  return { format: 'yolo', annotations: images, images, list };
}

/** The splits of a set by lists of images, if there are several of them that lead to images. */
function listedSplits(root: string): Splits {
  const parts = [...darknetLists(root)].flatMap(([split, list]) => {
    const images = folderOfList(list);
    if (images === undefined) return [];
    const listed = listedImages(list, images);
    const isLabeled = listed.some(({ full }) => isLabelFile(labelOf(full)));
    return isLabeled ? [[split, listSource(list, images)] as const] : [];
  });
  return parts.length > 1 ? Object.fromEntries(parts) : {};
}

/** Folders of images and labels by split, or `train` if they are undivided. */
function splitsOf(root: string): Splits {
  const found: Record<string, AnnotationSource> = {};
  const add = (
    split: string,
    images: string | undefined,
    annotations: string | undefined,
  ): void => {
    if (images !== undefined && annotations !== undefined && holdsLabels(annotations, images))
      found[split] = { format: 'yolo', annotations, images };
  };
  const [images, labels] = [folderNamed(root, ['images']), annotationFolder(root, ['labels'])];
  if (images !== undefined && labels !== undefined) {
    const ofLabels = splitFolders(labels);
    for (const [split, folder] of splitFolders(images)) add(split, folder, ofLabels.get(split));
    if (Object.keys(found).length > 0) return found;
    const listed = listedSplits(root);
    if ('train' in listed) return listed;
    add('train', images, labels);
    return found;
  }
  for (const [split, folder] of splitFolders(root)) {
    const inside = folderNamed(folder, ['images']);
    add(split, inside ?? folder, folderNamed(folder, ['labels']) ?? folder);
  }
  if (Object.keys(found).length > 0) return found;
  // CVAT has a folder for each of its subsets, darknet one.
  for (const name of foldersIn(root)) {
    const subset = /^obj_(.+)_data$/i.exec(name)?.[1];
    const split = subset === undefined ? undefined : splitOfName(subset);
    const folder = join(root, name);
    if (split !== undefined) add(split, folder, folder);
  }
  if ('train' in found) return found;
  const listed = listedSplits(root);
  if ('train' in listed) return listed;
  const data = folderNamed(root, ['obj_data', 'data']);
  if (data !== undefined) add('train', data, data);
  if (Object.keys(found).length === 0) add('train', root, root);
  return found;
}

/** Whether a folder has a text file that could be the labels of an image. */
function holdsLabels(folder: string, images: string): boolean {
  const isLabel = (name: string): boolean =>
    extname(name).toLowerCase() === '.txt' &&
    !/^(classes|labels|train|val|valid|test|readme|notes)\b/i.test(name);
  const label = firstFile(folder, isLabel, 3);
  if (label === undefined || !isLabelFile(label)) return false;
  const stem = basename(label, extname(label));
  const isItsImage = (name: string): boolean =>
    isImageName(name) && imageOfLabel(basename(name, extname(name))) === imageOfLabel(stem);
  return firstFile(images, isItsImage, 3) !== undefined;
}

/** Whether a text file begins as labels do, or is empty. */
function isLabelFile(file: string | undefined): boolean {
  if (file === undefined || !existsSync(file) || !statSync(file).isFile()) return false;
  const text = startOf(file).replace(/^(ÿþ|þÿ|ï»¿)/, ''); // marks of Unicode
  return /^\s*(\d+(\.\d*)?\s+[-+.\d]|$)/.test(text);
}

/** Files of class names: of darknet, Roboflow and others. */
const NAME_FILE = /^_?classes\.txt$|^[\w-]+\.names$|^_darknet\.labels$/i;

function nameFileOf(root: string, splits: Splits): string | undefined {
  const folders = [
    root,
    ...Object.values(splits).map(({ annotations }) => annotations),
    join(root, 'labels'),
  ];
  for (const folder of folders) {
    const found = firstFile(folder, (name) => NAME_FILE.test(name));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Class names of a set. */
interface Names {
  /** All, by number. */
  readonly names: readonly string[] | undefined;
  /** Classes to load. */
  readonly classes?: readonly string[] | undefined;
}

/** Number of label files that are looked at to tell boxes from polygons. */
const SAMPLES = 100;

async function yoloData(
  root: string,
  splits: Splits,
  { names, classes }: Names,
): Promise<DetectionData> {
  const images = await Promise.all(Object.values(splits).map((source) => yoloImages(source)));
  const all = images.flat();
  const objects = await objectsOf(sampleOf(all));
  const polygons = objects.filter(({ shape }) => shape.kind === 'polygon');
  refuseOriented(polygons, objects.length, root);
  const known = names ?? numberNames(await objectsOf(all));
  if (known.length === 0)
    throw ConfigError.in(
      root,
      'expected class names, got none; give them with --classes, classes.txt or a data.yaml',
    );
  const data = recognizedDetection({
    layout: 'yolo',
    root,
    splits: Object.entries(splits),
    name: 2 * polygons.length > objects.length ? 'YOLO polygons' : 'YOLO boxes',
    counts: images.map(({ length }) => length),
    names: known,
    classes,
  });
  const unnamed = names ? '' : ' without names (--classes or classes.txt gives them)';
  return { ...data, line: data.line + unnamed };
}

/** Names by number, for sets without any. */
function numberNames(objects: readonly YoloObject[]): readonly string[] {
  const most = objects.reduce((max, { classIndex }) => Math.max(max, classIndex), -1);
  return Array.from({ length: Math.min(most + 1, 10000) }, (_, k) => String(k));
}

function sampleOf(images: readonly YoloImage[]): readonly YoloImage[] {
  const labeled = images.filter(({ label }) => label !== undefined);
  const step = Math.max(1, Math.floor(labeled.length / SAMPLES));
  return labeled.filter((_, i) => i % step === 0);
}

/** Objects of label files; those that cannot be read are reported when the set is read. */
async function objectsOf(images: readonly YoloImage[]): Promise<readonly YoloObject[]> {
  const objects: YoloObject[] = [];
  await readInOrder(
    images.flatMap(({ label }) => label ?? []),
    (label) =>
      Promise.resolve(errorAsValueSync(() => readYoloLabels(readText(label, 'a label file')))),
    (lines) => {
      if (lines instanceof DataError) return;
      for (const entry of lines) if ('shape' in entry) objects.push(entry);
    },
  );
  return objects;
}

/**
 * Oriented boxes have four corners, as quadrangles have: they are told by the name of the set, or because every object
 * has four corners, most of them the corners of an inclined rectangle.
 */
function refuseOriented(polygons: readonly YoloObject[], numObjects: number, root: string): void {
  const quads = polygons.flatMap(({ shape }) =>
    shape.kind === 'polygon' && shape.points.length === 8 ? [shape.points] : [],
  );
  if (quads.length === 0 || quads.length < numObjects) return;
  const isNamed = /(^|[^a-z])(obb|oriented|rotated)([^a-z]|$)/i.test(
    root.split(sep).slice(-2).join(' '),
  );
  const inclined = quads.filter(isInclinedParallelogram).length;
  if (isNamed || (quads.length >= 3 && inclined > 0.5 * quads.length))
    throw LayoutError.in(
      root,
      'expected boxes or polygons, got oriented boxes (YOLO OBB: 8 numbers per object); export upright boxes or polygons',
    );
}

/** Whether opposite sides are parallel and equal, and no side is upright. Without the size of the image, angles are unknown. */
function isInclinedParallelogram([x1, y1, x2, y2, x3, y3, x4, y4]: readonly number[]): boolean {
  const size = Math.max(Math.abs(x3 - x1), Math.abs(y3 - y1), Math.abs(x4 - x2), Math.abs(y4 - y2));
  const isParallel = Math.abs(x1 - x2 + x3 - x4) + Math.abs(y1 - y2 + y3 - y4) < 0.02 * size;
  const isUpright = Math.abs(x2 - x1) < 0.02 * size || Math.abs(y2 - y1) < 0.02 * size;
  return size > 0 && isParallel && !isUpright;
}
