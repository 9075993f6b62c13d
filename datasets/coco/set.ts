import { assertObject, assertText } from '../../core/arguments.js';
import type { FederatedLabels } from '../../core/coco.js';
import { ConfigError } from '../../core/errors.js';
import { ProblemLog, type Finding } from '../problems.js';
import type { AnnotationSource } from '../annotations/source.js';
import { readTables } from '../annotations/read.js';
import type { CocoAnnotations } from '../../io/coco/annotation-columns.js';
import { checkCocoTables } from './checks.js';
import type { PixelRange } from '../../io/image/range.js';
import { createClassMap, type ClassMap } from './class-map.js';
import { findImages } from './image-files.js';
import { reportTo } from './problem-kinds.js';
import { evenly } from '../evenly.js';
import { drawSplit, type SplitRule } from '../split.js';
import type { CocoImages, CocoTables } from '../../io/coco/annotations.js';
import type { RecordPlaces } from '../../io/coco/issues.js';

/** A detection set in memory: columns of typed arrays, with an index of annotations by image. */
export interface CocoSet {
  readonly file: string;
  /** Undefined if only the annotations are available. */
  readonly imageFolder: string | undefined;
  readonly classes: ClassMap;
  readonly images: CocoImages;
  /** All annotations of the file; those of images that are not selected are unused. */
  readonly annotations: CocoAnnotations;
  /** `[A]`, class index of each annotation, −1 if its class is not selected. */
  readonly classIndices: Int32Array;
  /** `[A]`, image index of each annotation, −1 if its image is not selected. */
  readonly imageIndices: Int32Array;
  /** `[N + 1]`: the annotations of image `i` are `order[starts[i] … starts[i + 1])`, in file order. */
  readonly starts: Uint32Array;
  readonly order: Uint32Array;
  /** Absent unless the set is federated, as LVIS. */
  readonly federated?: FederatedLabels | undefined;
  /** Places of the records in messages, where they are not in one file with ids. */
  readonly places?: RecordPlaces | undefined;
  /** Warnings and notes about the file. */
  readonly findings: readonly Finding[];
  /** Values that become 0 and 255 in images of more than 8 bits. */
  readonly range?: PixelRange | undefined;
}

/**
 * Loads annotations in any format and of any size, and rejects them if there are errors: invalid records, duplicate or
 * dangling ids, masks of a wrong size, missing image files.
 *
 * @throws DataError that names the first error and counts the others
 * @throws ConfigError if `classes` or `limit` do not fit the file
 */
export async function loadCoco(source: AnnotationSource): Promise<CocoSet> {
  assertObject('loadCoco', 'a source as { annotations, images }', source);
  assertText('loadCoco', 'annotations as a path', source.annotations);
  if (source.images !== undefined) assertText('loadCoco', 'images as a path', source.images);
  const log = new ProblemLog();
  const tables = await readTables(source, reportTo(log));
  const imageIndices = checkCocoTables(tables, log);
  const found =
    source.images === undefined ? tables.images : await findImages(tables, source.images, log);
  log.throwErrors();
  const images = { ...tables.images, fileNames: found.fileNames };
  const set = createCocoSet({ ...tables, images }, imageIndices, source, log.findings());
  return source.limit === undefined ? set : firstImages(set, source.limit);
}

/** Selects the first images of a set. @throws ConfigError unless `limit` is a whole number ≥ 1 */
export function firstImages(set: CocoSet, limit: number): CocoSet {
  if (!Number.isInteger(limit) || limit < 1)
    throw new ConfigError(`limit: expected a whole number of images >= 1, got ${limit}`);
  const count = Math.min(limit, set.images.ids.length);
  return selectImages(
    set,
    Array.from({ length: count }, (_, i) => i),
  );
}

/**
 * Builds a set from checked tables.
 *
 * @param imageIndices `[A]`, as `checkCocoTables` returns them
 * @throws ConfigError if `classes` do not fit the file, or it has no categories
 */
export function createCocoSet(
  tables: CocoTables,
  imageIndices: Int32Array,
  {
    images: imageFolder,
    classes: names,
    range,
  }: Pick<AnnotationSource, 'images' | 'classes' | 'range'>,
  findings: readonly Finding[] = [],
): CocoSet {
  const { file, images, annotations, federated, places } = tables;
  const classes = classMapOf(tables, names);
  const classOf = new Map(classes.categoryIds.map((id, k) => [id, k]));
  return {
    file,
    imageFolder,
    classes,
    images,
    annotations,
    classIndices: Int32Array.from(annotations.categoryIds, (id) => classOf.get(id) ?? -1),
    ...groupByImage(imageIndices, images.ids.length),
    federated,
    places,
    findings,
    range,
  };
}

function classMapOf({ file, categories }: CocoTables, names?: readonly string[]): ClassMap {
  try {
    return createClassMap(categories, names);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw ConfigError.in(file, `${cause.message}`, { cause });
  }
}

/** Selects images of a set, in the given order. @param indices of images of `set` */
export function selectImages(set: CocoSet, indices: readonly number[]): CocoSet {
  const { images } = set;
  const { pixels } = images;
  const newIndex = new Int32Array(images.ids.length).fill(-1); // [N]
  indices.forEach((old, i) => (newIndex[old] = i));
  const imageIndices = set.imageIndices.map((old) => (old < 0 ? -1 : newIndex[old]));
  return {
    ...set,
    images: {
      positions: Uint32Array.from(indices, (i) => images.positions[i]),
      ids: Float64Array.from(indices, (i) => images.ids[i]),
      widths: Int32Array.from(indices, (i) => images.widths[i]),
      heights: Int32Array.from(indices, (i) => images.heights[i]),
      fileNames: indices.map((i) => images.fileNames[i]),
      pixels: pixels && indices.map((i) => pixels[i]),
    },
    ...groupByImage(imageIndices, indices.length),
  };
}

/** Selects images spread evenly over a set. @param limit largest number of images; undefined: all */
export function spreadImages(set: CocoSet, limit: number | undefined): CocoSet {
  const all = [...set.images.ids.keys()];
  return limit === undefined || all.length <= limit ? set : selectImages(set, evenly(all, limit));
}

/**
 * Splits a set in two at random. The choice depends only on the image ids and the seed, not on the order of the file,
 * which both splits keep.
 *
 * @throws ConfigError as {@link drawSplit}
 */
export function splitCoco(
  set: CocoSet,
  rule: SplitRule,
): { readonly train: CocoSet; readonly val: CocoSet } {
  assertObject('splitCoco', 'a set that loadCoco returned', set, 'images', 'annotations');
  assertObject('splitCoco', 'a rule as { valFraction, seed }', rule);
  const { ids } = set.images;
  const byId = Array.from(ids, (_, i) => i).sort((a, b) => ids[a] - ids[b]);
  const { train, val } = drawSplit(byId, rule, set.file);
  return { train: selectImages(set, train), val: selectImages(set, val) };
}

/** Counting sort of the annotations by image; file order is kept within an image. */
function groupByImage(
  imageIndices: Int32Array,
  numImages: number,
): Pick<CocoSet, 'imageIndices' | 'starts' | 'order'> {
  const starts = new Uint32Array(numImages + 1);
  for (const image of imageIndices) if (image >= 0) starts[image + 1]++;
  for (let i = 0; i < numImages; i++) starts[i + 1] += starts[i];
  const next = starts.slice();
  const order = new Uint32Array(starts[numImages]);
  imageIndices.forEach((image, a) => {
    if (image >= 0) order[next[image]++] = a;
  });
  return { imageIndices, starts, order };
}
