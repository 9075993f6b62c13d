import { join } from 'node:path';
import { LayoutError } from '../core/errors.js';
import type { AnnotationSource } from './annotations/source.js';
import { rowsOf } from './coco/samples.js';
import { loadCoco, type CocoSet } from './coco/set.js';
import { imagePlace } from '../io/coco/annotations.js';
import { IGNORED_LABEL } from '../core/image.js';
import type { LabelRegions, SegmentationSample } from './sample.js';
import {
  loadSegmentationFolder,
  type FolderSource,
  type SegmentationSet,
} from './segmentation-folder.js';

/** Polygons and masks of objects that are drawn as labels. */
export interface RegionSource {
  readonly regions: AnnotationSource;
  /** The background and the classes of the annotations. */
  readonly classes: readonly string[];
}

/** Labels of one part of a set: files, or regions to draw. */
export type SegmentationSource = FolderSource | RegionSource;

/**
 * Opens a part of a segmentation set.
 *
 * @throws DataError if an image or label is unpaired, or the annotations are invalid or have no masks
 * @throws ConfigError for no classes or more than 255
 */
export async function loadSegmentation(source: SegmentationSource): Promise<SegmentationSet> {
  return 'regions' in source ? loadRegions(source) : loadSegmentationFolder(source);
}

/** Labels of names that are no classes of objects. */
export function labelOfName(name: string): typeof BACKGROUND | typeof IGNORED_LABEL | undefined {
  if (/^_*(background|unlabell?ed)_*$/i.test(name)) return BACKGROUND;
  return /^_*(ignored?|void)_*$/i.test(name) ? IGNORED_LABEL : undefined;
}

const BACKGROUND = 0;

/** Like labelme2voc: objects are drawn in the order of the file, later ones over earlier ones. */
async function loadRegions({ regions, classes }: RegionSource): Promise<SegmentationSet> {
  const set = await loadCoco({ ...regions, classes: undefined });
  const { imageFolder, images, annotations } = set;
  if (imageFolder === undefined)
    throw LayoutError.in(set.file, 'expected an image folder beside it, got none');
  const hasMask = Array.from({ length: annotations.masks.length }, (_, a) => a).some(
    (a) => annotations.masks.describe(a).kind !== 'none',
  );
  if (!hasMask)
    throw LayoutError.in(set.file, 'expected polygons or masks to draw as labels, got boxes alone');
  const labels = set.classes.names.map((name) => labelOfName(name) ?? classes.indexOf(name));
  const { range } = regions;
  const samples = images.fileNames.map((name, i): SegmentationSample => ({
    file: join(imageFolder, name),
    image: images.pixels?.[i],
    labelFile: imagePlace(set, i).file,
    range,
    // Read when the sample is used: masks of a whole set are compact only in their store.
    get regions() {
      return regionsOf(set, i, labels);
    },
  }));
  const mapping = { numClasses: classes.length, reduceZeroLabel: false };
  return { source: set.file, samples, classes, mapping, range };
}

function regionsOf(set: CocoSet, image: number, labels: readonly number[]): LabelRegions {
  const { widths, heights } = set.images;
  const objects = rowsOf(set, image).flatMap((row) => {
    const k = set.classIndices[row];
    const label = k < 0 ? -1 : labels[k];
    return label < 0 ? [] : [{ label, mask: set.annotations.masks.get(row) }];
  });
  return { width: widths[image], height: heights[image], objects };
}
