import { assertList, assertObject, assertText } from '../core/arguments.js';
import { ConfigError } from '../core/errors.js';
import type { PixelRange } from '../io/image/range.js';
import { isImageName } from '../io/files/images.js';
import { readLines } from './class-names.js';
import { pairFiles, type ListedStems } from './folder-pairs.js';
import type { LabelColor } from './label-numbers.js';
import type { LabelMapping } from './png-label-map.js';
import { IGNORED_LABEL } from '../core/image.js';
import type { SegmentationSample } from './sample.js';

/** A semantic segmentation set: pairs of files, and the meaning of the label values. */
export interface SegmentationSet {
  /** Folder or file by which it was detected, for messages. */
  readonly source: string;
  readonly samples: readonly SegmentationSample[];
  /** `[K]`. */
  readonly classes: readonly string[];
  readonly mapping: LabelMapping;
  /** Values that become 0 and 255 in images of more than 8 bits. */
  readonly range?: PixelRange | undefined;
}

/** Folders of a segmentation set. */
export interface FolderSource {
  readonly images: string;
  readonly labels: string;
  readonly classes: readonly string[];
  readonly reduceZeroLabel?: boolean | undefined;
  /** File with the images to use, one path relative to `images` a line, with or without extension; default: all. */
  readonly list?: string | undefined;
  /** Values of the classes in the label files, where they are not 0, 1, …. */
  readonly values?: readonly number[] | undefined;
  /** Whether values of no class are ignored; default: they are errors. */
  readonly othersIgnored?: boolean | undefined;
  /** Colors of the labels, where they are not numbers. */
  readonly colors?: readonly LabelColor[] | undefined;
  /** End of the names of the label files, if there are other files beside them. */
  readonly labelEnd?: string | undefined;
  /** Values that become 0 and 255 in images of more than 8 bits. */
  readonly range?: PixelRange | undefined;
}

/**
 * Opens a custom segmentation set: a folder of images, a folder of label PNGs of the same names, and the names of the
 * classes 0, 1, …; 255 is ignored.
 *
 * @throws DataError if an image or label is unpaired
 * @throws ConfigError for no classes or more than 255
 */
export function loadSegmentationFolder(source: FolderSource): SegmentationSet {
  assertObject('loadSegmentationFolder', 'a source as { images, labels, classes }', source);
  assertText('loadSegmentationFolder', 'images as a path', source.images);
  assertText('loadSegmentationFolder', 'labels as a path', source.labels);
  assertList('loadSegmentationFolder', 'classes as a list', source.classes);
  const { images, labels, classes, list, values, othersIgnored, colors, range } = source;
  if (classes.length === 0 || classes.length > IGNORED_LABEL)
    throw new ConfigError(`classes: expected 1 to ${IGNORED_LABEL} names, got ${classes.length}`);
  const { labelEnd } = source;
  const listed = list === undefined ? undefined : listedStems(list);
  const pairs = pairFiles(images, labels, { listed, labelEnd });
  return {
    source: images,
    samples: range ? pairs.map((sample) => ({ ...sample, range })) : pairs,
    classes,
    mapping: {
      numClasses: classes.length,
      reduceZeroLabel: source.reduceZeroLabel ?? false,
      values,
      othersIgnored,
      colors,
    },
    range,
  };
}

/** Paths without extension of a list such as VOC's `ImageSets/Segmentation/train.txt`. */
function listedStems(file: string): ListedStems {
  const lines = readLines(file, 'one image').filter((line) => line !== '');
  const stemOf = (line: string): string => (isImageName(line) ? line.replace(/\.\w+$/, '') : line);
  return { file, stems: new Map(lines.map((line) => [stemOf(line).replaceAll('\\', '/'), line])) };
}

/** Names of the folders of a split below `images/` and `labels/`. */
export const SPLIT_NAMES = {
  train: ['train', 'training'],
  val: ['val', 'valid', 'validation'],
  test: ['test', 'testing'],
} as const;
