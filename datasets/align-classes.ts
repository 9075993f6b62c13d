import type { CocoSet } from './coco/set.js';
import { classOrder, isIdentity, mappedLine, type ClassOwner } from './class-order.js';
import type { ClassificationSet } from './imagenet.js';
import type { SegmentationSet } from './segmentation-folder.js';

/** A set whose classes have the wanted indices. */
export interface AlignedSet<Set> {
  readonly set: Set;
  /** Line that says that classes were mapped; undefined if they had the wanted indices. */
  readonly line?: string | undefined;
}

/**
 * Gives the classes of a detection set the indices of the wanted ones, by name. Wanted classes that the set lacks get
 * category ids of their own.
 *
 * @param owner of the wanted classes, for messages
 * @throws DataError as {@link classOrder}
 */
export function alignDetection(
  set: CocoSet,
  wanted: readonly string[],
  owner: ClassOwner = {},
): AlignedSet<CocoSet> {
  const { file, classes, classIndices } = set;
  const used = new Set(classIndices);
  const places = { file, ...owner };
  const isUsed = (k: number): boolean => used.has(k);
  const order = classOrder({ names: classes.names, isUsed }, wanted, places);
  if (isIdentity(order, wanted.length)) return { set };
  let unused = Math.max(0, ...classes.categoryIds);
  const categoryIds = wanted.map((_, k) => {
    const old = order.indexOf(k);
    return old >= 0 ? classes.categoryIds[old] : ++unused;
  });
  const aligned = {
    ...set,
    classes: { names: wanted, categoryIds },
    classIndices: classIndices.map((k) => (k < 0 ? k : order[k])),
  };
  return { set: aligned, line: lineOf(order, places) };
}

/** {@link alignDetection} of a segmentation set: the mapping of its label values changes. */
export function alignSegmentation(
  set: SegmentationSet,
  wanted: readonly string[],
  owner: ClassOwner = {},
): AlignedSet<SegmentationSet> {
  const { source: file, classes, mapping } = set;
  const places = { file, ...owner };
  const order = classOrder({ names: classes }, wanted, places);
  if (isIdentity(order, wanted.length)) return { set: { ...set, classes: wanted } };
  const before = mapping.order;
  const aligned = {
    ...set,
    classes: wanted,
    mapping: { ...mapping, order: before ? before.map((k) => order[k]) : [...order] },
  };
  return { set: aligned, line: lineOf(order, places) };
}

/** {@link alignDetection} of a classification set. */
export function alignClassification(
  set: ClassificationSet,
  wanted: readonly string[],
  owner: ClassOwner = {},
): AlignedSet<ClassificationSet> {
  const { samples, classes } = set;
  const used = new Set(samples.map(({ classIndex }) => classIndex));
  const places = { file: set.folder ?? set.layout, ...owner };
  const order = classOrder(
    {
      names: classes.map(({ name }) => name),
      keys: classes.map(({ key }) => key),
      isUsed: (k) => used.has(k),
    },
    wanted,
    places,
  );
  if (isIdentity(order, wanted.length)) return { set };
  const keyOf = new Map(Array.from(order, (index, k) => [index, classes[k].key]));
  const aligned = {
    ...set,
    classes: wanted.map((name, k) => ({ key: keyOf.get(k) ?? name, name })),
    samples: samples.map((sample) =>
      sample.classIndex < 0 ? sample : { ...sample, classIndex: order[sample.classIndex] },
    ),
  };
  return { set: aligned, line: lineOf(order, places) };
}

/** Only another order is said, not that classes are missing. */
function lineOf(order: Int32Array, places: Parameters<typeof mappedLine>[0]): string | undefined {
  const known = order.filter((index) => index >= 0);
  return known.every((index, i) => i === 0 || index > known[i - 1])
    ? undefined
    : mappedLine(places);
}
