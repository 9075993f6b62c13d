import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { AnnotatedImage } from '../../core/annotated-image.js';
import { ConfigError, DataError } from '../../core/errors.js';
import { writeTextAtomically } from '../../io/files/atomic.js';
import { jsonPieces } from '../../io/files/json-stream.js';
import { writeNewFolder } from '../../io/files/new-folder.js';
import type { CocoSet } from '../coco/set.js';
import { inParallel } from '../in-parallel.js';
import { loadDetectionSplit } from '../layout/load.js';
import type { DetectionData, SplitName } from '../layout/types.js';
import { annotatedImage } from './annotated.js';
import { cocoDocument } from './coco-document.js';
import { cvatPieces, FILE_FORMATS, type WrittenFormat } from './formats.js';
import { imageNames } from './names.js';
import { placeImage } from './place-image.js';

/** Formats that sets are converted to. */
export const CONVERT_FORMATS = ['coco', 'yolo', 'voc', 'labelme', 'masks', 'cvat'] as const;
/** A format that sets are converted to. */
export type ConvertFormat = (typeof CONVERT_FORMATS)[number];

/** Options of {@link convertSet}. */
export interface ConvertOptions {
  readonly to: ConvertFormat;
  /** Whether images are copied, or linked to where they are. Where links are not allowed, they are copied. */
  readonly images: 'link' | 'copy';
}

/** Counts of a converted set. */
export interface ConvertedSet {
  /** Images by split. */
  readonly images: Readonly<Record<string, number>>;
  readonly objects: number;
  readonly classes: readonly string[];
  /** Objects that the format cannot hold. */
  readonly crowdsLeftOut: number;
  /** Masks of objects of which the format holds only the box. */
  readonly masksLeftOut: number;
  /** Objects without a mask, in a format of masks. */
  readonly boxesLeftOut: number;
}

/** A split of the set to be written. */
interface Part {
  readonly split: SplitName;
  readonly set: CocoSet;
  /** New names of the images. */
  readonly names: readonly string[];
}

/**
 * Converts a detection set of any format to a new folder of another, which is written completely or not at all.
 *
 * @throws ConfigError if the folder is not empty, or the splits have different classes
 * @throws DataError if the set has errors, lacks images, or has boxes only for a format of masks
 */
export async function convertSet(
  data: DetectionData,
  folder: string,
  { to, images }: ConvertOptions,
): Promise<ConvertedSet> {
  const names = data.splitRule ? ['train', 'val', 'test'] : Object.keys(data.splits);
  const present = names.filter((name) => name in data.splits || (data.splitRule && name === 'val'));
  const sets: (readonly [SplitName, CocoSet])[] = [];
  for (const name of present as SplitName[])
    sets.push([name, await loadDetectionSplit(data, name)]);
  const format = to === 'coco' ? COCO : to === 'cvat' ? CVAT : FILE_FORMATS[to];
  const parts = partsOf(sets, format);
  const classes = classesOf(sets);
  const summary = summaryOf(parts, format, classes);
  if (summary.objects === 0 && summary.boxesLeftOut > 0)
    throw DataError.in(
      sets[0][1].file,
      `expected objects with outlines or masks, got ${summary.boxesLeftOut} with boxes only; ` +
        `${to} would be empty: formats with boxes are coco, yolo, voc, labelme and cvat`,
    );
  await writeNewFolder(folder, async (partial) => {
    for (const part of parts) await placeImages(part, format, partial, images);
    if (to === 'coco') await writeCoco(parts, partial);
    else if (to === 'cvat') await writeCvat(parts, partial, classes);
    else await writeFiles(parts, FILE_FORMATS[to], partial, classes);
  });
  return summary;
}

/** Layout of the images of a format whose annotations are in one file. */
type OneFileFormat = Pick<WrittenFormat, 'imageFolder' | 'isShared' | 'keeps'>;
const COCO: OneFileFormat = {
  imageFolder: (split) => `images/${split}`,
  isShared: false,
  keeps: { crowds: true, masks: true, boxes: true },
};
const CVAT: OneFileFormat = { ...COCO, keeps: { ...COCO.keeps, crowds: false } };

function partsOf(
  sets: readonly (readonly [SplitName, CocoSet])[],
  { isShared }: Pick<WrittenFormat, 'isShared'>,
): readonly Part[] {
  const all = sets.map(([, set]) => set);
  const names = isShared ? imageNames(all) : all.flatMap((set) => imageNames([set]));
  return sets.map(([split, set], i) => ({ split, set, names: names[i] }));
}

function classesOf(sets: readonly (readonly [SplitName, CocoSet])[]): readonly string[] {
  const [[first, { classes }]] = sets;
  for (const [split, set] of sets)
    if (set.classes.names.join('\n') !== classes.names.join('\n'))
      throw new ConfigError(
        `${set.file}: expected the classes of ${first} (${classes.names.join(', ')}) in ${split}, got ${set.classes.names.join(', ')}; choose common ones with --classes`,
      );
  return classes.names;
}

async function placeImages(
  { split, set, names }: Part,
  { imageFolder }: Pick<WrittenFormat, 'imageFolder'>,
  folder: string,
  how: ConvertOptions['images'],
): Promise<void> {
  const { file, imageFolder: source, images } = set;
  if (source === undefined)
    throw new ConfigError(`${file}: expected an image folder beside it, got none`);
  await inParallel(names, (name, i) =>
    placeImage(resolve(source, images.fileNames[i]), join(folder, imageFolder(split), name), how),
  );
}

async function writeFiles(
  parts: readonly Part[],
  format: WrittenFormat,
  folder: string,
  classes: readonly string[],
): Promise<void> {
  for (const { split, set, names } of parts)
    await inParallel(names, async (name, i) => {
      const path = join(folder, format.labelPath(split, name));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, format.content(kept(annotatedImage(set, i, name), format)));
    });
  const images = new Map(parts.map(({ split, names }) => [split, names]));
  for (const [path, text] of format.others(images, classes)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

async function writeCoco(parts: readonly Part[], folder: string): Promise<void> {
  let first = { image: 1, annotation: 1 };
  for (const { split, set, names } of parts) {
    const document = cocoDocument(set, names, first);
    await writeTextAtomically(
      join(folder, 'annotations', `instances_${split}.json`),
      jsonPieces(document, 0),
    );
    first = {
      image: first.image + names.length,
      annotation: first.annotation + set.annotations.ids.length,
    };
  }
}

async function writeCvat(
  parts: readonly Part[],
  folder: string,
  classes: readonly string[],
): Promise<void> {
  function* images(): Generator<readonly [AnnotatedImage, string]> {
    for (const { split, set, names } of parts)
      for (const [i, name] of names.entries())
        yield [kept(annotatedImage(set, i, name), CVAT), split];
  }
  await writeTextAtomically(join(folder, 'annotations.xml'), cvatPieces(images(), classes));
}

/** Leaves out regions to be ignored where the format has none: as objects they would be wrong. */
function kept(image: AnnotatedImage, { keeps }: Pick<WrittenFormat, 'keeps'>): AnnotatedImage {
  if (keeps.crowds) return image;
  return { ...image, objects: image.objects.filter(({ isCrowd }) => !isCrowd) };
}

function summaryOf(
  parts: readonly Part[],
  { keeps }: Pick<WrittenFormat, 'keeps'>,
  classes: readonly string[],
): ConvertedSet {
  let [objects, crowds, masks, boxes] = [0, 0, 0, 0];
  for (const { set } of parts) {
    const { annotations, classIndices, imageIndices } = set;
    for (let row = 0; row < annotations.ids.length; row++) {
      if (classIndices[row] < 0 || imageIndices[row] < 0) continue;
      const isCrowd = annotations.crowds[row] === 1 || annotations.ignores[row] === 1;
      const hasMask = annotations.masks.describe(row).kind !== 'none';
      if (isCrowd && !keeps.crowds) crowds++;
      else if (!hasMask && !keeps.boxes) boxes++;
      else {
        objects++;
        if (hasMask && !keeps.masks) masks++;
      }
    }
  }
  const images = Object.fromEntries(parts.map(({ split, names }) => [split, names.length]));
  const left = { crowdsLeftOut: crowds, masksLeftOut: masks, boxesLeftOut: boxes };
  return { images, objects, classes, ...left };
}
