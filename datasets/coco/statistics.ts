import type { CocoSet } from './set.js';

/** COCO's ranges of object areas: small below 32² px, large from 96² px. */
interface SizeCounts {
  readonly small: number;
  readonly medium: number;
  readonly large: number;
}

/** Counts of one class, including crowds. */
interface ClassCounts extends SizeCounts {
  readonly name: string;
  readonly categoryId: number;
  readonly annotations: number;
  readonly images: number;
  readonly crowds: number;
}

/** Minimum, median and maximum; 0 without values. */
export interface Range {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Statistics of a detection set. */
interface DetectionStatistics {
  readonly images: number;
  readonly emptyImages: number;
  readonly annotations: number;
  readonly crowds: number;
  readonly masks: {
    readonly polygons: number;
    /** Number of objects with several polygons. */
    readonly severalPolygons: number;
    readonly runLengths: number;
    readonly none: number;
  };
  readonly sizes: SizeCounts;
  readonly objectsPerImage: Range & { readonly mean: number };
  /** Image with the most annotations; its id is undefined if there are no annotations. */
  readonly fullest: { readonly imageId: number | undefined; readonly annotations: number };
  /** Pixels. */
  readonly imageWidths: Range;
  readonly imageHeights: Range;
  /** Square roots of areas in pixels. */
  readonly objectSides: Range;
  /** Number of images wider than high; a training batch has images of one orientation. */
  readonly wideImages: number;
  readonly classes: readonly ClassCounts[];
}

/** Size category of an object. @param areaPx px² */
export function sizeOf(areaPx: number): keyof SizeCounts {
  if (areaPx < 32 * 32) return 'small';
  return areaPx < 96 * 96 ? 'medium' : 'large';
}

/** Computes the statistics of a set. Annotations of images or classes outside the set are skipped. */
export function detectionStatistics(set: CocoSet): DetectionStatistics {
  const { images, annotations, classes, starts, order } = set;
  const numImages = images.ids.length;
  const sizes = { small: 0, medium: 0, large: 0 };
  const masks = { polygons: 0, severalPolygons: 0, runLengths: 0, none: 0 };
  const perClass = classes.names.map((name, k) => ({
    name,
    categoryId: classes.categoryIds[k],
    annotations: 0,
    images: 0,
    crowds: 0,
    small: 0,
    medium: 0,
    large: 0,
  }));
  const perImage = new Float64Array(numImages);
  const sides: number[] = [];
  let crowds = 0;
  for (let i = 0; i < numImages; i++) {
    const present = new Set<number>();
    for (const a of order.subarray(starts[i], starts[i + 1])) {
      const k = set.classIndices[a];
      if (k < 0) continue;
      const size = sizeOf(annotations.areas[a]);
      perImage[i]++;
      perClass[k].annotations++;
      perClass[k][size]++;
      sizes[size]++;
      present.add(k);
      sides.push(Math.sqrt(Math.max(0, annotations.areas[a])));
      if (annotations.crowds[a]) {
        crowds++;
        perClass[k].crowds++;
      }
      const { kind, parts } = annotations.masks.describe(a);
      if (kind === 'polygons') {
        masks.polygons++;
        if (parts > 1) masks.severalPolygons++;
      } else if (kind === 'rle') masks.runLengths++;
      else masks.none++;
    }
    for (const k of present) perClass[k].images++;
  }
  const fullest = perImage.reduce((best, count, i) => (count > perImage[best] ? i : best), 0);
  const numAnnotations = sides.length;
  return {
    images: numImages,
    emptyImages: perImage.filter((count) => count === 0).length,
    annotations: numAnnotations,
    crowds,
    masks,
    sizes,
    objectsPerImage: { ...rangeOf(perImage), mean: numAnnotations / Math.max(1, numImages) },
    fullest: {
      imageId: numAnnotations > 0 ? images.ids[fullest] : undefined,
      annotations: numAnnotations > 0 ? perImage[fullest] : 0,
    },
    imageWidths: rangeOf(images.widths),
    imageHeights: rangeOf(images.heights),
    objectSides: rangeOf(sides),
    wideImages: images.widths.filter((width, i) => width > images.heights[i]).length,
    classes: perClass,
  };
}

/** The lower of the two middle values is the median. */
export function rangeOf(values: ArrayLike<number>): Range {
  if (values.length === 0) return { min: 0, median: 0, max: 0 };
  const sorted = Float64Array.from(values).sort();
  return {
    min: sorted[0],
    median: sorted[(sorted.length - 1) >> 1],
    max: sorted[sorted.length - 1],
  };
}
