import { basename, relative, resolve } from 'node:path';
import type { ClassEntry } from '../../datasets/class-list.js';
import { checkCocoTables } from '../../datasets/coco/checks.js';
import { readTables } from '../../datasets/annotations/read.js';
import type { AnnotationSource } from '../../datasets/annotations/source.js';
import { createCocoSet } from '../../datasets/coco/set.js';
import { detectionStatistics, rangeOf, type Range } from '../../datasets/coco/statistics.js';
import { reportTo } from '../../datasets/coco/problem-kinds.js';
import { checkSegmentationSet } from '../../datasets/segmentation-check.js';
import { loadSegmentation, type SegmentationSource } from '../../datasets/segmentation-source.js';
import { readImageNet } from '../../datasets/imagenet.js';
import type { LabelMapping } from '../../datasets/png-label-map.js';
import { ProblemLog } from '../../datasets/problems.js';
import { findLayout } from '../../datasets/layout/detect.js';
import { dataOptions, kindOfTask, type DataFlags } from '../data-options.js';
import { formatTable, log, print, printJson, type JsonFlag } from '../output.js';
import { percent } from '../../report/format.js';
import { assertReplaceable, PAGE } from '../../io/files/apart.js';
import {
  boxesAfterResizing,
  detectionFacts,
  findDuplicates,
  recipeView,
  writeStatsPage,
  type FoundDuplicates,
  type PartFacts,
  type RecipeView,
} from './closer-look.js';

/** Flags of `data stats`. */
export interface StatsFlags extends DataFlags, JsonFlag {
  readonly out?: string;
  readonly duplicates?: boolean;
  readonly recipe: string;
  readonly task?: string;
}

/** Statistics of a part: the JSON document, and what is compared between parts. */
interface PartStats {
  readonly document: Readonly<Record<string, unknown>>;
  readonly facts: PartFacts;
}

/** Number of near duplicates that are printed. */
const MOST_PAIRS = 10;

/** Runs `data stats`. Records with errors are not counted, which is reported. */
export async function runStats(path: string, flags: StatsFlags): Promise<void> {
  const { out, json = false } = flags;
  const view = recipeView(flags.recipe);
  if (out !== undefined) assertReplaceable('--out', out, PAGE);
  const kind = kindOfTask(flags.task);
  const data = await findLayout(path, { ...dataOptions(flags), kind, several: true });
  log(data.line);
  const stats: PartStats[] = [];
  switch (data.kind) {
    case 'detection':
      for (const [split, source] of Object.entries(data.splits))
        stats.push(await detectionStats(split, source, view, json));
      break;
    case 'segmentation':
      for (const [split, source] of Object.entries(data.splits))
        stats.push(await segmentationStats(split, source, json));
      break;
    case 'classification':
      for (const split of data.splits) stats.push(classificationStats(data.root, split, json));
      break;
    default:
      data satisfies never;
  }
  const parts = stats.map(({ facts }) => facts);
  const isCompared = (flags.duplicates ?? false) || out !== undefined;
  const duplicates = isCompared ? await findDuplicates(parts) : undefined;
  if (out !== undefined && duplicates) {
    const unit = { detection: 'objects', segmentation: 'images', classification: 'images' }[
      data.kind
    ];
    const title = `Data set ${basename(resolve(path))}`;
    const isDetection = data.kind === 'detection';
    const shown = { title, line: data.line, unit, parts, duplicates };
    await writeStatsPage(out, { ...shown, view: isDetection ? view : undefined });
  }
  if (json) {
    const splits = Object.fromEntries(stats.map(({ facts, document }) => [facts.name, document]));
    printJson({ recognised: data, splits, duplicates, file: out });
    return;
  }
  if (duplicates && parts.length > 1) printDuplicates(duplicates);
  if (out !== undefined) print(`${out}: the page of the set`);
}

function printDuplicates({ pairs, compared, unreadable }: FoundDuplicates): void {
  print(
    `near duplicates across the parts: ${pairs.length} of ${compared} images${unreadable.length > 0 ? `, ${unreadable.length} could not be read: ${unreadable.slice(0, 5).join(', ')}` : ''}`,
  );
  for (const { part, image, otherPart, other } of pairs.slice(0, MOST_PAIRS))
    print(`  ${part}: ${image} is like ${otherPart}: ${other}`);
  if (pairs.length > MOST_PAIRS) print(`  … and ${pairs.length - MOST_PAIRS} more (--json)`);
}

async function detectionStats(
  split: string,
  source: AnnotationSource,
  view: RecipeView,
  json: boolean,
): Promise<PartStats> {
  const problems = new ProblemLog();
  const tables = await readTables(source, reportTo(problems));
  const set = createCocoSet(tables, checkCocoTables(tables, problems), source);
  const stats = detectionStatistics(set);
  const errors = warnOfErrors(split, problems);
  const facts = detectionFacts(split, set, view);
  const afterResizing = boxesAfterResizing(facts.shapes, view);
  const document = { ...stats, afterResizing, withoutObjects: facts.empty, errors };
  if (json) return { document, facts };
  const { sizes, masks, objectsPerImage, fullest, classes } = stats;
  print(
    [
      `${split}`,
      `  images            ${stats.images} (${stats.emptyImages} without annotations, ${stats.wideImages} wider than high)`,
      `  image size        width ${formatRange(stats.imageWidths)}, height ${formatRange(stats.imageHeights)} px`,
      `  annotations       ${stats.annotations} (${stats.crowds} crowds)`,
      `  small/medium/large  ${sizes.small} / ${sizes.medium} / ${sizes.large}, side ${formatRange(stats.objectSides)} px`,
      `  masks             ${masks.polygons} polygons (${masks.severalPolygons} of several), ${masks.runLengths} run lengths, ${masks.none} none`,
      `  objects per image  mean ${objectsPerImage.mean.toFixed(2)}, median ${objectsPerImage.median}, most ${fullest.annotations} (image id ${fullest.imageId ?? '-'})`,
      `  after resizing    side ${formatRange(afterResizing.sides)} px; ${percent(afterResizing.poorlyFitted, 1)} % fit no anchor of ${view.recipe} (IoU below 0.5)`,
      `  aspect ratio      ${formatRange(afterResizing.aspectRatios, 2)} (height / width)`,
      `  classes           ${classes.filter(({ annotations }) => annotations > 0).length} of ${classes.length} occur`,
    ].join('\n'),
  );
  const rows = [...classes].sort((a, b) => b.annotations - a.annotations);
  print(
    formatTable([
      ['  class', 'id', 'annotations', 'images', 'crowds', 'small', 'medium', 'large'],
      ...rows.map((c) => [
        `  ${c.name}`,
        c.categoryId,
        c.annotations,
        c.images,
        c.crowds,
        c.small,
        c.medium,
        c.large,
      ]),
    ]),
  );
  return { document, facts };
}

/** Mapping of numbers in label files to classes. */
function describeMapping({ reduceZeroLabel, values, colors }: LabelMapping): string {
  if (colors) return 'colors are classes, see data.yaml or labelmap.txt';
  if (values) return `${values.join(', ')} are the classes in this order`;
  return `${reduceZeroLabel ? '0 is ignored, n becomes class n - 1' : 'n is class n'}, 255 is ignored`;
}

async function segmentationStats(
  split: string,
  source: SegmentationSource,
  json: boolean,
): Promise<PartStats> {
  const problems = new ProblemLog();
  const set = await loadSegmentation(source);
  const stats = await checkSegmentationSet(set, problems, { decode: false });
  const errors = warnOfErrors(split, problems);
  const labeled = stats.pixels.reduce((sum, count) => sum + count, 0);
  const widths = stats.sizes.filter((size, i) => i % 2 === 0 && size > 0);
  const heights = stats.sizes.filter((size, i) => i % 2 === 1 && size > 0);
  const classes = set.classes.map((name, k) => ({
    name,
    label: k,
    pixels: stats.pixels[k],
    share: labeled > 0 ? stats.pixels[k] / labeled : 0,
    images: stats.imagesWith[k],
  }));
  const files = set.samples.map(({ file }) => file);
  const facts: PartFacts = {
    name: split,
    images: files.map((file) => relative(set.source, file)),
    files,
    counts: new Map(set.classes.map((name, k) => [name, stats.imagesWith[k]])),
  };
  const document = {
    images: stats.images,
    mapping: set.mapping,
    imageWidths: rangeOf(widths),
    imageHeights: rangeOf(heights),
    ignoredPixels: stats.ignoredPixels,
    fileNumbers: stats.fileNumbers,
    classes,
    errors,
  };
  if (json) return { document, facts };
  const total = labeled + stats.ignoredPixels;
  const used = classes.filter(({ pixels }) => pixels > 0);
  const numbers = stats.fileNumbers.map(([number]) => number);
  print(
    [
      split,
      `  images      ${stats.images}, width ${formatRange(rangeOf(widths))}, height ${formatRange(rangeOf(heights))} px`,
      `  in files    ${numbers.length} numbers from ${Math.min(...numbers)} to ${Math.max(...numbers)}`,
      `  mapped      ${describeMapping(set.mapping)}`,
      `  ignored     ${((100 * stats.ignoredPixels) / Math.max(1, total)).toFixed(2)} % of the pixels`,
      `  classes     ${used.length} of ${classes.length} occur`,
    ].join('\n'),
  );
  print(
    formatTable([
      ['  class', 'label', 'in files', 'pixels', '%', 'images'],
      ...used
        .sort((a, b) => b.pixels - a.pixels)
        .map(({ name, label, pixels, share, images }) => [
          `  ${name}`,
          label,
          set.mapping.values?.[label] ?? label + (set.mapping.reduceZeroLabel ? 1 : 0),
          pixels,
          (100 * share).toFixed(2),
          images,
        ]),
    ]),
  );
  return { document, facts };
}

function classificationStats(
  root: string,
  split: 'train' | 'val' | 'all',
  json: boolean,
): PartStats {
  const set = readImageNet(root, { split: split === 'val' ? 'val' : 'train' });
  const counts = new Float64Array(set.classes.length);
  for (const { classIndex } of set.samples) if (classIndex >= 0) counts[classIndex]++;
  const used = counts.filter((count) => count > 0);
  const perClass = rangeOf(used);
  const files = set.samples.map(({ file }) => file);
  // Two classes of ImageNet may have the same name.
  const names = set.classes.map(({ name }) => name);
  const nameOf = ({ key, name }: ClassEntry): string =>
    names.indexOf(name) === names.lastIndexOf(name) ? name : `${name} (${key})`;
  const facts: PartFacts = {
    name: split,
    images: files.map((file) => relative(set.folder ?? root, file)),
    files,
    counts: new Map(set.classes.map((entry, k) => [nameOf(entry), counts[k]])),
  };
  const document = {
    images: set.samples.length,
    imagesPerClass: perClass,
    classes: set.classes.map(({ key, name }, k) => ({ key, name, index: k, images: counts[k] })),
  };
  if (json) return { document, facts };
  print(
    `${split}\n  images   ${set.samples.length} (${set.layout})\n  classes  ${used.length} of ${counts.length} occur, images per class ${formatRange(perClass)}`,
  );
  return { document, facts };
}

/** Reports the number of errors, which are not counted. @returns their number */
function warnOfErrors(split: string, problems: ProblemLog): number {
  const errors = problems.count('error');
  if (errors > 0) log(`${split}: ${errors} errors; \`convnextv2 data check\` lists them`);
  return errors;
}

function formatRange({ min, median, max }: Range, decimals = 1): string {
  const round = (value: number): string => String(Number(value.toFixed(decimals)));
  return `${round(min)} to ${round(max)}, median ${round(median)}`;
}
