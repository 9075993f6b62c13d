import { join } from 'node:path';
import { OptionError } from '../../core/errors.js';
import { logHistogram, type LogHistogram } from '../../core/histogram.js';
import {
  anchorSides,
  boxShapes,
  type BoxShapes,
  type BoxView,
} from '../../datasets/coco/box-shapes.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import { rangeOf, type Range } from '../../datasets/coco/statistics.js';
import { inParallel } from '../../datasets/in-parallel.js';
import { COMPARED_SIZE, nearDuplicates } from '../../datasets/near-duplicates.js';
import { errorAsValue } from '../../datasets/problems.js';
import { writeAtomicallySync } from '../../io/files/atomic.js';
import { grayPicture, jpegThumbnail } from '../../io/image/thumbnail.js';
import { resolveConfig } from '../../train/config/resolve.js';
import { dataPage, type DataPage, type PicturePair } from '../../report/data-page.js';

/** Facts of a part that are compared between parts and drawn. */
export interface PartFacts {
  readonly name: string;
  /** Names of the images, and their files if they are there. */
  readonly images: readonly string[];
  readonly files: readonly string[];
  /** Count by name of the class, see `StatsFacts.unit`. */
  readonly counts: ReadonlyMap<string, number>;
  /** Images without objects; undefined where that has no meaning. */
  readonly empty?: readonly string[] | undefined;
  /** Boxes as a detector sees them; undefined for other tasks. */
  readonly shapes?: BoxShapes | undefined;
  /** Numbers of objects in the images that have any. */
  readonly objectsPerImage?: readonly number[] | undefined;
}

/** A detector whose anchors are compared to boxes, by the name of its recipe. */
export interface RecipeView extends BoxView {
  readonly recipe: string;
}

/** Anchors and resize of a detector's recipe. @throws ConfigError if it is none */
export function recipeView(recipe: string): RecipeView {
  const { config } = resolveConfig(recipe, { set: [] });
  if (config.task !== 'detect')
    throw new OptionError(
      `--recipe ${recipe}: expected a recipe to detect, whose anchors are compared, got one to ${config.task}`,
    );
  const { detector, evaluation } = config;
  return { recipe, limits: evaluation.limits, anchors: detector.rpn.anchors };
}

/** IoU below which an anchor is no match for an object in training. */
const POOR_FIT = 0.5;
const SIDES = { low: 4, numOctaves: 8, perOctave: 4 };
const RATIOS = { low: 1 / 8, numOctaves: 6, perOctave: 4 };
const OBJECTS = { low: 1, numOctaves: 8, perOctave: 2 };

/** Boxes of a part after resizing, compared to the anchors of a recipe. */
interface BoxesAfterResizing {
  readonly recipe: string;
  /** Pixels, square roots of areas. */
  readonly sides: Range;
  readonly anchors: readonly number[];
  /** Height / width. */
  readonly aspectRatios: Range;
  readonly anchorRatios: readonly number[];
  /** Fraction of the objects whose best anchor has an IoU below 0.5. */
  readonly poorlyFitted: number;
  readonly sidesHistogram: LogHistogram;
  readonly ratiosHistogram: LogHistogram;
}

/** Summarizes boxes after resizing. */
export function boxesAfterResizing(
  { sides, ratios, fits }: BoxShapes,
  { recipe, anchors }: RecipeView,
): BoxesAfterResizing {
  const numPoor = fits.reduce((sum, fit) => sum + (fit < POOR_FIT ? 1 : 0), 0);
  return {
    recipe,
    sides: rangeOf(sides),
    anchors: anchorSides(anchors),
    aspectRatios: rangeOf(ratios),
    anchorRatios: anchors.ratios,
    poorlyFitted: fits.length > 0 ? numPoor / fits.length : 0,
    sidesHistogram: logHistogram(sides, SIDES),
    ratiosHistogram: logHistogram(ratios, RATIOS),
  };
}

/** Finds the facts of a part of a detection set. */
export function detectionFacts(
  name: string,
  set: CocoSet,
  view: BoxView,
): PartFacts & { readonly empty: readonly string[]; readonly shapes: BoxShapes } {
  const { images, classes, classIndices, starts, order, annotations } = set;
  const counts = new Map(classes.names.map((className) => [className, 0]));
  const empty: string[] = [];
  const objectsPerImage: number[] = [];
  images.fileNames.forEach((fileName, i) => {
    const rows = order.subarray(starts[i], starts[i + 1]);
    const objects = rows.filter((row) => classIndices[row] >= 0 && !annotations.crowds[row]);
    if (objects.length === 0) empty.push(fileName);
    else objectsPerImage.push(objects.length);
    for (const row of objects) {
      const className = classes.names[classIndices[row]];
      counts.set(className, (counts.get(className) ?? 0) + 1);
    }
  });
  const { imageFolder } = set;
  return {
    name,
    images: images.fileNames,
    files: imageFolder === undefined ? [] : images.fileNames.map((file) => join(imageFolder, file)),
    counts,
    empty,
    shapes: boxShapes(set, view),
    objectsPerImage,
  };
}

/** Images that have a near duplicate in an earlier part. */
export interface FoundDuplicates {
  readonly pairs: readonly {
    readonly part: string;
    readonly image: string;
    readonly file: string;
    readonly otherPart: string;
    readonly other: string;
    readonly otherFile: string;
    /** Bits of 64 in which their hashes differ. */
    readonly distance: number;
  }[];
  readonly compared: number;
  /** Images that could not be read. */
  readonly unreadable: readonly string[];
}

/** Looks for near duplicates between parts: reads every image. */
export async function findDuplicates(parts: readonly PartFacts[]): Promise<FoundDuplicates> {
  const all = parts.flatMap(({ name, files, images }, p) =>
    files.map((file, i) => ({ file, image: images[i], part: name, p })),
  );
  const read = await inParallel(all, ({ file }) => errorAsValue(grayPicture(file, COMPARED_SIZE)));
  const pictures = read.map((picture) => (picture instanceof Error ? undefined : picture));
  const found = nearDuplicates(
    pictures,
    all.map(({ p }) => p),
  );
  return {
    pairs: found.map(({ image: a, other: b, distance }) => ({
      part: all[a].part,
      image: all[a].image,
      file: all[a].file,
      otherPart: all[b].part,
      other: all[b].image,
      otherFile: all[b].file,
      distance,
    })),
    compared: all.length,
    unreadable: all.filter((_, i) => pictures[i] === undefined).map(({ image }) => image),
  };
}

/** Number of pairs on a page, and size of their pictures in pixels. */
const MOST_PAIRS = 30;
const THUMBNAIL_PX = 200;

/** Content of a page before it is drawn. */
interface StatsFacts {
  readonly title: string;
  readonly line: string;
  readonly unit: string;
  readonly parts: readonly PartFacts[];
  readonly view: RecipeView | undefined;
  readonly duplicates: FoundDuplicates;
}

/** Writes the page of a set: one HTML file. */
export async function writeStatsPage(file: string, facts: StatsFacts): Promise<void> {
  const { title, line, unit, parts, view } = facts;
  const classes = [...new Set(parts.flatMap(({ counts }) => [...counts.keys()]))];
  const page: DataPage = {
    title,
    line,
    unit,
    classes,
    parts: parts.map(({ name, images, counts, empty }) => ({
      name,
      images: images.length,
      counts: classes.map((className) => counts.get(className) ?? 0),
      empty,
    })),
    histograms: view ? histogramsOf(parts, view) : [],
    duplicates: await duplicatesOf(facts),
  };
  writeAtomicallySync(file, dataPage(page));
}

function histogramsOf(
  parts: readonly PartFacts[],
  { recipe, limits, anchors }: RecipeView,
): DataPage['histograms'] {
  const shown = parts.flatMap(({ name, shapes, objectsPerImage = [] }) =>
    shapes && shapes.sides.length > 0 ? [{ name, shapes, objectsPerImage }] : [],
  );
  if (shown.length === 0) return [];
  const poor = shown.map(({ name, shapes: { fits } }) => {
    const percent = (100 * fits.filter((fit) => fit < POOR_FIT).length) / fits.length;
    return `${name} ${percent.toFixed(1)} %`;
  });
  const seriesOf = (
    valuesOf: (part: (typeof shown)[number]) => ArrayLike<number>,
    bins: typeof SIDES,
  ): DataPage['histograms'][number]['series'] =>
    shown.map((part) => ({ name: part.name, histogram: logHistogram(valuesOf(part), bins) }));
  const mark = (value: number): { value: number; text: string } => ({
    value,
    text: String(Math.round(100 * value) / 100),
  });
  return [
    {
      title: 'Size after resizing, and the anchors',
      xLabel: 'square root of the area, px',
      series: seriesOf(({ shapes }) => shapes.sides, SIDES),
      marks: anchorSides(anchors).map(mark),
      note: `Dashed: anchors of the recipe ${recipe}, for images of at most ${limits.long} x ${limits.short} px. Objects whose best anchor has an IoU below ${POOR_FIT}: ${poor.join(', ')}.`,
    },
    {
      title: 'Aspect ratio',
      xLabel: 'height / width',
      series: seriesOf(({ shapes }) => shapes.ratios, RATIOS),
      marks: anchors.ratios.map(mark),
      note: 'Dashed: aspect ratios of the anchors.',
    },
    {
      title: 'Objects in an image',
      xLabel: 'objects, of images that have any',
      series: seriesOf(({ objectsPerImage }) => objectsPerImage, OBJECTS),
      note: 'Images without objects are below.',
    },
  ];
}

async function duplicatesOf({ parts, duplicates }: StatsFacts): Promise<DataPage['duplicates']> {
  if (parts.length < 2) return undefined;
  const { pairs, compared, unreadable } = duplicates;
  const pictures = await inParallel(pairs.slice(0, MOST_PAIRS), async (pair) => {
    const caption = (part: string, image: string): string => `${part}: ${image}`;
    return {
      captions: [caption(pair.part, pair.image), caption(pair.otherPart, pair.other)],
      jpegs: [
        await jpegThumbnail(pair.file, THUMBNAIL_PX),
        await jpegThumbnail(pair.otherFile, THUMBNAIL_PX),
      ],
    } satisfies PicturePair;
  });
  const shown = pairs.length > MOST_PAIRS ? `; the ${MOST_PAIRS} most similar are shown` : '';
  const failed = unreadable.length > 0 ? `; ${unreadable.length} could not be read` : '';
  const note =
    compared === 0
      ? 'The images are not there, so they were not compared.'
      : `${pairs.length} images resemble an image of an earlier part, of ${compared} compared by their difference hashes${failed}${shown}. A model that has seen them in training is judged too well on them.`;
  return { note, pairs: pictures };
}
