import { basename, resolve } from 'node:path';
import { DataError, quote } from '../core/errors.js';
import { checkUsable } from './coco/check-usable.js';
import { checkCocoTables } from './coco/checks.js';
import { checkImageFiles, findImages } from './coco/image-files.js';
import { COCO_PROBLEMS, imageProblem, reportTo } from './coco/problem-kinds.js';
import type { CocoTables } from '../io/coco/annotations.js';
import { readTables } from './annotations/read.js';
import { checkSegmentationSet } from './segmentation-check.js';
import { loadSegmentationFolder } from './segmentation-folder.js';
import { readImageNet } from './imagenet.js';
import { skippedFile } from '../io/files/images.js';
import type { ClassEntry } from './class-list.js';
import { inParallel } from './in-parallel.js';
import { imageNotes, inspectImage } from './inspect-image.js';
import { errorAsValue, problemKinds, ProblemLog, type Finding } from './problems.js';
import type {
  ClassificationData,
  DetectionData,
  DataLayout,
  SegmentationData,
} from './layout/types.js';

/** Options of a check. */
export interface CheckOptions {
  /** Depth of the check of image files: none, existence, headers, or every pixel. */
  readonly images: 'none' | 'exist' | 'headers' | 'pixels';
  /** Number of problems kept per kind; all are counted. */
  readonly maxExamples: number;
}

/** Report on one split of a set. */
export interface SplitReport {
  readonly split: string;
  /** Counts to print, e.g. of images and annotations. */
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

/** Report on a set. Training rejects a set with errors. */
export interface DataReport {
  readonly data: DataLayout;
  readonly splits: readonly SplitReport[];
  /** Problems across splits. */
  readonly across: readonly Finding[];
  readonly errors: number;
  readonly warnings: number;
}

/**
 * Checks a whole data set. Problems of individual records and files are collected, not thrown.
 *
 * @throws DataError if a file cannot be read at all or its structure is broken
 */
export async function checkData(data: DataLayout, options: CheckOptions): Promise<DataReport> {
  switch (data.kind) {
    case 'detection':
      return checkDetection(data, options);
    case 'segmentation':
      return checkSegmentation(data, options);
    case 'classification':
      return checkClassification(data, options);
    default:
      return data satisfies never;
  }
}

async function checkDetection(data: DetectionData, options: CheckOptions): Promise<DataReport> {
  const tables: CocoTables[] = [];
  const splits = await checkSplits(data.splits, options, async (split, source, log) => {
    const table = await readTables(source, reportTo(log), { masks: false });
    tables.push(table);
    const imageIndices = checkCocoTables(table, log);
    checkUsable(table, imageIndices, { source, isTrainingPart: split === 'train' }, log);
    if (source.images === undefined || options.images === 'none')
      log.add(COCO_PROBLEMS.imagesUnchecked, {
        file: source.annotations,
        message: source.images === undefined ? 'no image folder found' : 'not asked for',
      });
    else if (options.images === 'exist') await findImages(table, source.images, log);
    else await checkImageFiles(table, source.images, log, { decode: options.images === 'pixels' });
    return {
      images: table.images.ids.length,
      annotations: table.annotations.ids.length,
      categories: table.categories.length,
    };
  });
  const across = new ProblemLog(options.maxExamples);
  // Splits of one set must be consistent; files that are only inspected need not be.
  if (data.layout !== 'file') checkAcross(data, tables, across);
  return report(data, splits, across);
}

/** A checked split and all its problems. */
type CheckedSplit = Omit<SplitReport, 'findings'> & { readonly log: ProblemLog };

/** Checks splits one after another. @param check reports problems and returns counts to print */
async function checkSplits<Source>(
  sources: Readonly<Record<string, Source>>,
  { maxExamples }: CheckOptions,
  check: (split: string, source: Source, log: ProblemLog) => Promise<SplitReport['counts']>,
): Promise<readonly CheckedSplit[]> {
  const splits: CheckedSplit[] = [];
  for (const [split, source] of Object.entries(sources)) {
    const log = new ProblemLog(maxExamples);
    splits.push({ split, counts: await check(split, source, log), log });
  }
  return splits;
}

/** Checks that all splits have the same categories, and no image in common. */
function checkAcross(data: DetectionData, tables: readonly CocoTables[], log: ProblemLog): void {
  const entries = Object.entries(data.splits);
  const signature = ({ categories }: CocoTables): string =>
    JSON.stringify(categories.map(({ id, name }) => [id, name] as const).sort(([a], [b]) => a - b));
  const seen = new Map<string, string>();
  tables.forEach((table, s) => {
    const [split, { images: folder }] = entries[s];
    const { file } = table;
    if (signature(table) !== signature(tables[0]))
      log.add(COCO_PROBLEMS.categoriesDiffer, {
        file,
        message: `expected the categories of ${entries[0][0]}, got others`,
      });
    table.images.fileNames.forEach((name, i) => {
      // Image ids alone are not sufficient: some exports number each split from 0, and names may be numbers as well.
      const id = table.images.ids[i];
      const own = folder === undefined ? [] : [resolve(folder, name)];
      // Only COCO's files have ids; those of other formats are positions.
      const keys = table.places ? own : [`${id}/${name}`, ...own];
      const other = keys.map((key) => seen.get(key)).find((found) => found !== undefined);
      if (other !== undefined && other !== split)
        log.add(
          COCO_PROBLEMS.splitOverlap,
          imageProblem(
            table,
            i,
            `expected an image of one split, got ${quote(name)} of ${other}, too`,
          ),
        );
      for (const key of keys) if (!seen.has(key)) seen.set(key, split);
    });
  });
}

async function checkSegmentation(
  data: SegmentationData,
  options: CheckOptions,
): Promise<DataReport> {
  const decode = options.images === 'pixels';
  const splits = await checkSplits(data.splits, options, async (_, source, log) => {
    const set = loadSegmentationFolder(source);
    const { images, pixels } = await checkSegmentationSet(set, log, { decode });
    return { images, classes: set.classes.length, used: pixels.filter((n) => n > 0).length };
  });
  return report(data, splits);
}

const CLASSIFICATION_PROBLEMS = {
  ...problemKinds('error', { imageUnreadable: 'images that cannot be read' }),
  ...problemKinds('note', {
    fileIgnored: 'files that are no images',
    classUnused: 'classes without an image',
    sameName: 'class names that several classes have: told apart by their keys',
    unlabelled: 'images without a label',
  }),
};

async function checkClassification(
  data: ClassificationData,
  options: CheckOptions,
): Promise<DataReport> {
  const { root } = data;
  const { unlabelled, classUnused, sameName, fileIgnored } = CLASSIFICATION_PROBLEMS;
  const sources = Object.fromEntries(data.splits.map((split) => [split, root]));
  const splits = await checkSplits(sources, options, async (split, _, log) => {
    const set = readImageNet(root, { split: split === 'val' ? 'val' : 'train' });
    if (options.images === 'headers' || options.images === 'pixels')
      await inspectFiles(
        set.samples.map(({ file }) => file),
        options.images === 'pixels',
        log,
      );
    const used = new Set(set.samples.map(({ classIndex }) => classIndex));
    for (const { file, classIndex } of set.samples)
      if (classIndex < 0) log.add(unlabelled, { file, message: 'no label' });
    set.classes.forEach(({ name }, k) => {
      if (!used.has(k)) log.add(classUnused, { file: root, message: quote(name), id: k });
    });
    for (const [name, keys] of keysByName(set.classes))
      if (keys.length > 1)
        log.add(sameName, { file: root, message: `${quote(name)}: ${keys.join(', ')}` });
    for (const file of set.ignoredFiles) log.add(fileIgnored, { file, message: skippedFile(file) });
    return { images: set.samples.length, classes: set.classes.length };
  });
  return report(data, splits);
}

function keysByName(classes: readonly ClassEntry[]): ReadonlyMap<string, readonly string[]> {
  const keys = new Map<string, string[]>();
  for (const { key, name } of classes) keys.set(name, [...(keys.get(name) ?? []), key]);
  return keys;
}

async function inspectFiles(
  files: readonly string[],
  decode: boolean,
  log: ProblemLog,
): Promise<void> {
  const found = await inParallel(files, (file) => errorAsValue(inspectImage(file, { decode })));
  found.forEach((facts, i) => {
    const file = files[i];
    if (facts instanceof DataError)
      log.add(CLASSIFICATION_PROBLEMS.imageUnreadable, { file, message: facts.message });
    else
      for (const kind of imageNotes(facts, { upright: false }))
        log.add(kind, { file, message: quote(basename(file)) });
  });
}

function report(
  data: DataLayout,
  splits: readonly CheckedSplit[],
  across = new ProblemLog(),
): DataReport {
  const logs = [...splits.map(({ log }) => log), across];
  return {
    data,
    splits: splits.map(({ split, counts, log }) => ({ split, counts, findings: log.findings() })),
    across: across.findings(),
    errors: logs.reduce((sum, log) => sum + log.count('error'), 0),
    warnings: logs.reduce((sum, log) => sum + log.count('warning'), 0),
  };
}
