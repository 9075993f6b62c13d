import { join } from 'node:path';
import { assertObject } from '../../core/arguments.js';
import { ConfigError } from '../../core/errors.js';
import type { Segmentation } from '../../core/coco.js';
import { boxOf } from '../../io/coco/annotations.js';
import { repeatRare } from '../repeats.js';
import type { DetectionSample, Objects } from '../sample.js';
import type { CocoSet } from './set.js';
import { MIN_IMAGE_SIDE_PX, skipReason } from './training-rules.js';

/** Images of a set as lazily created samples; a `SampleSource` for the loader. */
export interface DetectionSamples {
  readonly length: number;
  /** `[length]`: 1 if the image is wider than high. Batches contain images of one group. */
  readonly aspectGroups: Uint8Array;
  /** Sample `index`, 0 … `length − 1`. */
  at(index: number): DetectionSample;
}

/**
 * Creates training samples: images with at least one annotation of the classes (crowds and unusable ones count) and sides
 * of at least 32 px. Objects rejected by {@link skipReason} are left out; crowds are separate.
 *
 * @param keepEmpty whether images without annotations are used, too: all of their regions are background
 * @param repeatThreshold see `DetectionConfig`
 * @throws ConfigError if the set has no image folder or no image is left
 */
export function trainingSamples(
  set: CocoSet,
  keepEmpty = false,
  repeatThreshold: number | null = null,
): DetectionSamples {
  assertObject('trainingSamples', 'a set that loadCoco returned', set, 'images', 'annotations');
  const chosen = trainableImages(set, keepEmpty);
  if (chosen.length === 0)
    throw new ConfigError(
      `${set.file}: expected images with annotations to train on, got none among ${set.images.ids.length}`,
    );
  if (repeatThreshold === null) return samplesOf(set, chosen);
  const classes = chosen.map((i) => new Set(learnedRows(set, i).map((a) => set.classIndices[a])));
  return samplesOf(
    set,
    repeatRare(classes, repeatThreshold).map((n) => chosen[n]),
  );
}

/** Indices of the images that {@link trainingSamples} uses. */
export function trainableImages(set: CocoSet, keepEmpty = false): readonly number[] {
  const { widths, heights } = set.images;
  return indicesWhere(set, (i) => {
    if (Math.min(widths[i], heights[i]) < MIN_IMAGE_SIDE_PX) return false;
    return keepEmpty || rowsOf(set, i).some((a) => set.classIndices[a] >= 0);
  });
}

/**
 * Creates evaluation samples: every image in file order, including empty and small ones. Objects are those of training;
 * metrics use the annotations themselves.
 *
 * @throws ConfigError if the set has no image folder
 */
export function evaluationSamples(set: CocoSet): DetectionSamples {
  assertObject('evaluationSamples', 'a set that loadCoco returned', set, 'images', 'annotations');
  return samplesOf(
    set,
    indicesWhere(set, () => true),
  );
}

function samplesOf(set: CocoSet, chosen: readonly number[]): DetectionSamples {
  const folder = set.imageFolder;
  if (folder === undefined)
    throw new ConfigError(`${set.file}: expected an image folder beside it, got none`);
  const { widths, heights } = set.images;
  return {
    length: chosen.length,
    aspectGroups: Uint8Array.from(chosen, (i) => (widths[i] / heights[i] > 1 ? 1 : 0)),
    at: (index) => sampleOf(set, folder, chosen[index]),
  };
}

function sampleOf(set: CocoSet, folder: string, image: number): DetectionSample {
  const { images, annotations } = set;
  const usable = usableRows(set, image);
  return {
    imageId: images.ids[image],
    file: join(folder, images.fileNames[image]),
    image: images.pixels?.[image],
    range: set.range,
    width: images.widths[image],
    height: images.heights[image],
    objects: objectsOf(set, learnedRows(set, image)),
    ignored: objectsOf(
      set,
      usable.filter((a) => annotations.crowds[a] === 1),
    ),
  };
}

function usableRows(set: CocoSet, image: number): readonly number[] {
  return rowsOf(set, image).filter(
    (a) => set.classIndices[a] >= 0 && skipReason(set, a, image) === undefined,
  );
}

/** Objects of an image that training learns. */
function learnedRows(set: CocoSet, image: number): readonly number[] {
  return usableRows(set, image).filter((a) => set.annotations.crowds[a] === 0);
}

function objectsOf(set: CocoSet, rows: readonly number[]): Objects {
  const boxes = new Float32Array(4 * rows.length); // [M, 4]
  const segmentations: Segmentation[] = [];
  rows.forEach((a, m) => {
    const [x, y, w, h] = boxOf(set, a);
    boxes.set([x, y, x + w, y + h], 4 * m);
    segmentations.push(set.annotations.masks.get(a));
  });
  return {
    boxes,
    classIndices: Int32Array.from(rows, (a) => set.classIndices[a]),
    segmentations,
    ids: Float64Array.from(rows, (a) => set.annotations.ids[a]),
  };
}

/** Annotations of an image as rows of `set.annotations`. */
export function rowsOf(set: CocoSet, image: number): readonly number[] {
  return Array.from(set.order.subarray(set.starts[image], set.starts[image + 1]));
}

function indicesWhere(set: CocoSet, wanted: (image: number) => boolean): readonly number[] {
  const indices: number[] = [];
  for (let i = 0; i < set.images.ids.length; i++) if (wanted(i)) indices.push(i);
  return indices;
}
