import { join } from 'node:path';
import type { Rle } from '../../core/rle.js';
import { checkCocoTables } from '../../datasets/coco/checks.js';
import { staysInside } from '../../datasets/coco/image-path.js';
import { checkImageFiles } from '../../datasets/coco/image-files.js';
import { annotationPlace, boxOf } from '../../io/coco/annotations.js';
import { rowsOf } from '../../datasets/coco/samples.js';
import { readTables } from '../../datasets/annotations/read.js';
import { createCocoSet, type CocoSet } from '../../datasets/coco/set.js';
import { detectionStatistics, sizeOf } from '../../datasets/coco/statistics.js';
import { reportTo } from '../../datasets/coco/problem-kinds.js';
import { inParallel } from '../../datasets/in-parallel.js';
import { ProblemLog } from '../../datasets/problems.js';
import type { DetectionData } from '../../datasets/layout/types.js';
import type { Segmentation } from '../../core/coco.js';
import { chooseImages } from './choose.js';
import { annotationsToLookAt } from './concerns.js';
import type { BrowsedSplit, ShowOptions, ShownSplit } from './gather.js';
import type { Card, CardObject, Concern, PageSplit } from './page-data.js';
import { coloredClasses, maskPicture, thumbnailOf } from './pictures.js';

/** Number of problems listed per kind. */
const MAX_CONCERNS = 200;

/** The splits of a detection set, for its page; sets with errors are shown, too, as far as they can be read. */
export async function detectionSplits({ splits }: DetectionData): Promise<BrowsedSplit[]> {
  const parts: BrowsedSplit[] = [];
  // One after the other: annotation files may be large.
  for (const [name, source] of Object.entries(splits)) {
    const part = await readPart(source);
    parts.push({
      name,
      numImages: part.set.images.ids.length,
      classes: coloredClasses(part.set.classes.names),
      show: (options) => showPart(part, options),
    });
  }
  return parts;
}

/** Remark on one annotation or image, by rows of the set. */
interface RowConcern {
  readonly severity: Concern['severity'];
  readonly message: string;
  readonly image?: number | undefined;
  readonly annotation?: number;
}

interface Part {
  readonly set: CocoSet;
  readonly rowConcerns: readonly RowConcern[];
  readonly numConcerns: number;
}

async function readPart(source: DetectionData['splits'][string]): Promise<Part> {
  const log = new ProblemLog(MAX_CONCERNS);
  const tables = await readTables(source, reportTo(log));
  const imageIndices = checkCocoTables(tables, log);
  const { fileNames } =
    source.images === undefined
      ? tables.images
      : await checkImageFiles(tables, source.images, log, { decode: false, range: source.range });
  const images = { ...tables.images, fileNames };
  const set = createCocoSet({ ...tables, images }, imageIndices, source);
  const looks = annotationsToLookAt(set);
  const reported = log.findings().flatMap(({ severity, meaning, examples }) =>
    severity === 'note'
      ? []
      : examples.map(({ message, row }): RowConcern => {
          const concern = { severity, message: `${message} (${meaning})` };
          if (row === undefined) return concern;
          if (row.table === 'images') return { ...concern, image: row.index };
          const image = imageIndices[row.index];
          return { ...concern, annotation: row.index, image: image < 0 ? undefined : image };
        }),
  );
  const looked = looks.slice(0, MAX_CONCERNS).map(({ row, message }): RowConcern => ({
    severity: 'look',
    message: `${annotationPlace(set, row).where}: ${message}`,
    annotation: row,
    image: imageIndices[row],
  }));
  return {
    set,
    rowConcerns: [...reported, ...looked],
    numConcerns: log.count('error') + log.count('warning') + looks.length,
  };
}

async function showPart(
  { set, rowConcerns, numConcerns }: Part,
  options: ShowOptions,
): Promise<ShownSplit> {
  const { starts, images, annotations } = set;
  const numImages = images.ids.length;
  const counts = Array.from({ length: numImages }, (_, i) => starts[i + 1] - starts[i]);
  const fullest = counts.reduce((best, count, i) => (count > counts[best] ? i : best), 0);
  const urgent = [fullest, ...rowConcerns.flatMap(({ image }) => image ?? [])];
  const chosen = chooseImages(numImages, numImages > 0 ? urgent : [], options.limit);
  const byRow = new Map<number, string[]>();
  for (const { annotation, message } of rowConcerns) {
    if (annotation === undefined) continue;
    byRow.set(annotation, [...(byRow.get(annotation) ?? []), message.replace(/^.*?: /, '')]);
  }
  const cards = await inParallel(chosen, async (i): Promise<Card> => {
    const name = images.fileNames[i];
    const upright = { width: images.widths[i], height: images.heights[i] };
    const picture = await pictureOf(set.imageFolder, name, options.thumbnail, {
      upright,
      range: set.range,
    });
    const objects = rowsOf(set, i)
      .filter((a) => set.classIndices[a] >= 0)
      .map((a) => objectOf(set, a, byRow.get(a) ?? [], options));
    return {
      split: options.split,
      file: name,
      id: images.ids[i],
      width: images.widths[i],
      height: images.heights[i],
      ...picture,
      // Large objects first, so that small ones are on top and can be selected.
      objects: objects.sort((a, b) => b.box[2] * b.box[3] - a.box[2] * a.box[3]),
      fullest: i === fullest && counts[i] > 1 ? true : undefined,
    };
  });
  const cardOf = new Map(chosen.map((i, card) => [i, card]));
  const concerns = rowConcerns.map(({ severity, message, image, annotation }): Concern => {
    return {
      severity,
      message,
      card: image === undefined ? undefined : cardOf.get(image),
      object: annotation === undefined ? undefined : annotations.ids[annotation],
    };
  });
  return { cards, concerns, numConcerns, facts: factsOf(set) };
}

async function pictureOf(
  folder: string | undefined,
  name: string,
  maxSide: number,
  options: Parameters<typeof thumbnailOf>[2],
): Promise<Pick<Card, 'thumbnail' | 'failure'>> {
  if (folder === undefined) return {};
  if (!staysInside(name)) return { failure: 'the name leads out of the image folder' };
  return thumbnailOf(join(folder, name), maxSide, options);
}

function objectOf(
  set: CocoSet,
  row: number,
  concerns: readonly string[],
  { classes, thumbnail }: ShowOptions,
): CardObject {
  const { annotations } = set;
  const classIndex = set.classIndices[row];
  const mask = annotations.masks.get(row);
  return {
    id: annotations.ids[row],
    classIndex,
    size: sizeOf(annotations.areas[row]),
    isCrowd: annotations.crowds[row] === 1,
    area: Math.round(annotations.areas[row]),
    box: boxOf(set, row).map(tenth),
    ...drawingOf(mask, classes[classIndex]?.color ?? '#888888', thumbnail),
    concerns,
  };
}

function drawingOf(
  mask: Segmentation,
  color: string,
  maxSide: number,
): Pick<CardObject, 'path' | 'mask'> {
  switch (mask.kind) {
    case 'none':
      return {};
    case 'polygons':
      return { path: mask.polygons.map(pathOf).join('') };
    case 'rle':
      return { mask: maskPicture(mask satisfies Rle, color, maxSide) };
    default:
      return mask satisfies never;
  }
}

function pathOf(polygon: Float64Array): string {
  let path = '';
  for (let i = 0; i < polygon.length; i += 2)
    path += `${i === 0 ? 'M' : 'L'}${tenth(polygon[i])} ${tenth(polygon[i + 1])}`;
  return `${path}Z`;
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

function factsOf(set: CocoSet): PageSplit['facts'] {
  const facts = detectionStatistics(set);
  const { small, medium, large } = facts.sizes;
  const used = facts.classes.filter(({ annotations }) => annotations > 0).length;
  return [
    ['images', String(facts.images)],
    ['annotations', String(facts.annotations)],
    ['crowds', String(facts.crowds)],
    ['classes used', `${used} of ${facts.classes.length}`],
    ['small / medium / large', `${small} / ${medium} / ${large}`],
    ['most in one image', String(facts.fullest.annotations)],
    ['images without annotations', String(facts.emptyImages)],
  ];
}
