import { relative } from 'node:path';
import { ConfigError, DataError } from '../../core/errors.js';
import { rowsOf } from '../coco/samples.js';
import { loadCoco, type CocoSet } from '../coco/set.js';
import { readImageNet, type ClassificationSet } from '../imagenet.js';
import { inParallel } from '../in-parallel.js';
import type { DataLayout } from '../layout/types.js';
import { labelsOf } from '../png-label-map.js';
import { IGNORED_LABEL } from '../../core/image.js';
import type { SegmentationSet } from '../segmentation-folder.js';
import { loadSegmentation } from '../segmentation-source.js';

/** A loaded part of a set of any task. */
export type LoadedSet =
  | { readonly kind: 'detection'; readonly set: CocoSet }
  | { readonly kind: 'segmentation'; readonly set: SegmentationSet }
  | { readonly kind: 'classification'; readonly set: ClassificationSet };

/** Images of a set with what occurs in them. */
export interface ImagesWithClasses {
  /** Paths relative to the image folder, with slashes. */
  readonly names: readonly string[];
  /** `[images]`: class indices in each image, each once. */
  readonly classesIn: readonly (readonly number[])[];
  /** Names by class index. */
  readonly classes: readonly string[];
}

/** Names of the parts of a set. */
export function partNames(data: DataLayout): readonly string[] {
  return data.kind === 'classification' ? data.splits : Object.keys(data.splits);
}

/**
 * Loads one part of a set.
 *
 * @throws ConfigError if there is no such part
 * @throws DataError if it has errors
 */
export async function loadPart(data: DataLayout, part: string): Promise<LoadedSet> {
  const names = partNames(data);
  if (!names.includes(part))
    throw new ConfigError(`${data.root}: expected a part ${names.join(', ')}, got ${part}`);
  switch (data.kind) {
    case 'detection':
      return { kind: data.kind, set: await loadCoco(data.splits[part]) };
    case 'segmentation':
      return { kind: data.kind, set: await loadSegmentation(data.splits[part]) };
    case 'classification': {
      const split = part === 'val' ? 'val' : 'train';
      return { kind: data.kind, set: readImageNet(data.root, { split }) };
    }
    default:
      return data satisfies never;
  }
}

/** Finds the classes in every image. @throws DataError for a label file that cannot be read, or an unknown label */
export async function imagesWithClasses(loaded: LoadedSet): Promise<ImagesWithClasses> {
  switch (loaded.kind) {
    case 'detection': {
      const { set } = loaded;
      const names = set.images.fileNames.map(slashed);
      const classesIn = names.map((_, i) =>
        distinct(rowsOf(set, i).map((row) => set.classIndices[row])),
      );
      return { names, classesIn, classes: set.classes.names };
    }
    case 'segmentation': {
      const { source, samples, mapping, classes } = loaded.set;
      const classesIn = await inParallel(samples, async (sample) =>
        labeledClasses((await labelsOf(sample, mapping)).data),
      );
      const names = samples.map(({ file }) => slashed(relative(source, file)));
      return { names, classesIn, classes };
    }
    case 'classification': {
      const { samples, folder = '', classes } = loaded.set;
      const unknown = samples.find(({ classIndex }) => classIndex < 0);
      if (unknown) throw DataError.in(unknown.file, 'expected a class of the set, got none');
      return {
        names: samples.map(({ file }) => slashed(relative(folder, file))),
        classesIn: samples.map(({ classIndex }) => [classIndex]),
        classes: classes.map(({ name }) => name),
      };
    }
    default:
      return loaded satisfies never;
  }
}

/** A path with `/` on every system. */
export const slashed = (path: string): string => path.replaceAll('\\', '/');

const distinct = (classes: readonly number[]): readonly number[] => [
  ...new Set(classes.filter((k) => k >= 0)),
];

function labeledClasses(labels: ArrayLike<number>): readonly number[] {
  const isThere = new Uint8Array(256);
  for (let i = 0; i < labels.length; i++) isThere[labels[i]] = 1;
  return [...isThere.keys()].filter((k) => k !== IGNORED_LABEL && isThere[k] === 1);
}
