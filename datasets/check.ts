import { assertObject } from '../core/arguments.js';
import { DataError, InputError, quote } from '../core/errors.js';
import { grouped } from '../core/grouped.js';
import * as rule from '../core/options.js';
import { usableSet } from './coco/check-usable.js';
import { checkClasses, checkHeldOut, checkOverlap } from './coco/check-parts.js';
import { inspectCocoSet } from './coco/inspect-set.js';
import { checkCocoTables } from './coco/checks.js';
import { checkImageFiles, findImages } from './coco/image-files.js';
import { COCO_PROBLEMS, reportTo } from './coco/problem-kinds.js';
import type { CocoTables } from '../io/coco/annotations.js';
import { readTables } from './annotations/read.js';
import { checkSegmentationSet } from './segmentation-check.js';
import { loadSegmentation } from './segmentation-source.js';
import { readImageNet } from './imagenet.js';
import type { ClassEntry } from './class-list.js';
import { CLASSIFICATION_PROBLEMS, inspectClassificationSet } from './classification-check.js';
import type { PartUse, TrainingNeeds } from './part-use.js';
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
  /** Settings of the run that the set is checked for; default: masks are learned, images without objects left out. */
  readonly needs?: TrainingNeeds | undefined;
}

const RULES: rule.OptionRules<CheckOptions> = {
  images: rule.oneWord('none', 'exist', 'headers', 'pixels'),
  maxExamples: rule.wholeFrom(0),
  needs: rule.AN_OBJECT,
};

const NO_FOLDER =
  'no image folder found, which training needs: images/ beside the file, or a data.yaml that names it';

const DEFAULT_NEEDS: TrainingNeeds = { masks: true, keepEmpty: false };

/** Report on one split of a set. */
export interface SplitReport {
  readonly split: string;
  /** Counts to print, e.g. of images and annotations. */
  readonly counts: Readonly<Record<string, number>>;
  /** Used objects (detection) or images (classification) by class name; absent for other sets, and with errors. */
  readonly classes?: Readonly<Record<string, number>> | undefined;
  readonly findings: readonly Finding[];
  /** Whether there is any error. */
  readonly refused: boolean;
  /** Counts of the records that are used, without errors in them. */
  readonly use?: PartUse | undefined;
}

/** Report on a set. Training rejects a set with errors, except in parts that it does not use. */
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
 *
 * @example
 *   ```ts
 *   const report = await checkData(await detectLayout('DATA'), { images: 'headers', maxExamples: 3 });
 *   console.log(report.errors, report.warnings);
 *   ```
 */
export async function checkData(data: DataLayout, options: CheckOptions): Promise<DataReport> {
  assertObject('checkData', 'a layout that detectLayout returned', data, 'kind', 'splits');
  rule.assertOptions('checkData', options, RULES);
  switch (data.kind) {
    case 'detection':
      return checkDetection(data, options);
    case 'segmentation':
      return checkSegmentation(data, options);
    case 'classification':
      return checkClassification(data, options);
    default:
      data satisfies never;
      throw new InputError(
        `checkData: expected detection, segmentation or classification, got ${quote((data as DataLayout).kind)}`,
      );
  }
}

async function checkDetection(data: DetectionData, options: CheckOptions): Promise<DataReport> {
  const { needs = DEFAULT_NEEDS } = options;
  const tables = new Map<string, CocoTables>();
  const counts = new Map<string, ReadonlyMap<string, number>>();
  const splits = await checkSplits(data.splits, options, async (split, source, log) => {
    const table = await readTables(source, reportTo(log), { masks: false });
    tables.set(split, table);
    const imageIndices = checkCocoTables(table, log);
    const set = usableSet(table, imageIndices, source, log);
    const purpose = split === 'train' || !isDivided(data) ? 'training' : 'evaluation';
    const use = set && inspectCocoSet(set, { purpose, needs }, log);
    const perClass = new Map(set?.classes.names.map((name, k) => [name, use?.perClass[k] ?? 0]));
    if (use) counts.set(split, perClass);
    const { images: folder, annotations: file } = source;
    if (folder === undefined || options.images === 'none')
      log.add(COCO_PROBLEMS.imagesUnchecked, {
        file,
        message: folder === undefined ? NO_FOLDER : 'not asked for',
      });
    else if (options.images === 'exist') await findImages(table, folder, log);
    else
      await checkImageFiles(table, folder, log, {
        decode: options.images === 'pixels',
        range: source.range,
      });
    const { images = 0, categories = 0, annotations = 0 } = table.rejected?.counts ?? {};
    return {
      counts: {
        images: table.images.ids.length + images,
        annotations: table.annotations.ids.length + annotations,
        categories: table.categories.length + categories,
      },
      classes: use && Object.fromEntries(perClass),
      use: use && { used: use.used, leftOut: use.leftOut },
    };
  });
  const across = new ProblemLog(options.maxExamples);
  // Splits of one set must be consistent; files that are only inspected need not be.
  if (isDivided(data)) {
    const parts = splits.flatMap(({ split, log }) => {
      const table = tables.get(split);
      const { images } = data.splits[split];
      return table ? [{ split, log, table, images, counts: counts.get(split) }] : [];
    });
    checkClasses(parts, across);
    checkHeldOut(parts);
    checkOverlap(parts, across);
  }
  reportParts(data, across);
  return report(data, splits, across);
}

/** Whether the splits are parts of one set, not files that are only inspected. */
function isDivided({ layout, splits }: DetectionData): boolean {
  return layout !== 'file' || ('train' in splits && Object.keys(splits).length > 1);
}

/** Reports sets without a part to train on. */
function reportParts(data: DetectionData | SegmentationData, log: ProblemLog): void {
  const names = Object.keys(data.splits);
  if (names.includes('train')) return;
  const { partsUnnamed, partMissing } = COCO_PROBLEMS;
  const message = `expected a part "train", got ${names.join(', ')}; pass one annotation file, or a data.yaml that names the parts`;
  log.add(data.layout === 'file' ? partsUnnamed : partMissing, { file: data.root, message });
}

/** A checked split and all its problems. */
type CheckedSplit = Omit<SplitReport, 'findings' | 'refused'> & { readonly log: ProblemLog };

const SPLIT_PROBLEMS = problemKinds('error', { partUnreadable: 'parts that cannot be read' });

/**
 * Checks splits one after another. A split that training does not use and that cannot be read is reported, not thrown.
 *
 * @param check reports problems and returns counts to print and what is used
 */
async function checkSplits<Source>(
  sources: Readonly<Record<string, Source>>,
  { maxExamples }: CheckOptions,
  check: (
    split: string,
    source: Source,
    log: ProblemLog,
  ) => Promise<Pick<SplitReport, 'counts' | 'classes' | 'use'>>,
): Promise<readonly CheckedSplit[]> {
  const splits: CheckedSplit[] = [];
  for (const [split, source] of Object.entries(sources)) {
    const log = new ProblemLog(maxExamples);
    const checked = check(split, source, log);
    const found = isTrainingSplit(split) ? await checked : await errorAsValue(checked);
    if (!(found instanceof DataError)) splits.push({ split, ...found, log });
    else {
      const { message, file = '' } = found;
      log.add(SPLIT_PROBLEMS.partUnreadable, { file, message });
      splits.push({ split, counts: {}, log });
    }
  }
  return splits;
}

async function checkSegmentation(
  data: SegmentationData,
  options: CheckOptions,
): Promise<DataReport> {
  const decode = options.images === 'pixels';
  const splits = await checkSplits(data.splits, options, async (split, source, log) => {
    const set = await loadSegmentation(source);
    const purpose = split === 'train' ? 'training' : 'evaluation';
    const { images, pixels } = await checkSegmentationSet(set, log, {
      decode,
      purpose,
      limits: options.needs?.limits,
    });
    const used = pixels.filter((n) => n > 0).length;
    const counts = { images, classes: set.classes.length, used };
    return { counts, use: { used: { images, classes: used }, leftOut: [] } };
  });
  const across = new ProblemLog(options.maxExamples);
  reportParts(data, across);
  return report(data, splits, across);
}

async function checkClassification(
  data: ClassificationData,
  options: CheckOptions,
): Promise<DataReport> {
  const { root } = data;
  const images = options.images === 'exist' ? 'none' : options.images;
  const sources = Object.fromEntries(data.splits.map((split) => [split, root]));
  const present = new Map<string, readonly (ClassEntry | undefined)[]>();
  const splits = await checkSplits(sources, options, async (split, _, log) => {
    const set = readImageNet(root, { split: split === 'val' ? 'val' : 'train' });
    const purpose = split === 'val' ? 'evaluation' : 'training';
    const { use, present: indices } = await inspectClassificationSet(set, { purpose, images }, log);
    present.set(
      split,
      [...indices].map((k) => set.classes[k]),
    );
    const byClass = grouped(set.samples, ({ classIndex }) => classIndex);
    return {
      counts: { images: set.samples.length, classes: set.classes.length },
      classes: Object.fromEntries(
        set.classes.map(({ name }, k) => [name, byClass.get(k)?.length ?? 0]),
      ),
      use,
    };
  });
  const across = new ProblemLog(options.maxExamples);
  const { classHeldOut, partMissing } = CLASSIFICATION_PROBLEMS;
  const trained = new Set(present.get('train')?.map((entry) => entry?.key));
  if (present.has('train'))
    for (const entry of present.get('val') ?? [])
      if (entry && !trained.has(entry.key))
        across.add(classHeldOut, { file: root, message: quote(entry.name), id: entry.key });
  if (!present.has('train') && !present.has('all'))
    across.add(partMissing, { file: root, message: 'expected train/, got val/ alone' });
  return report(data, splits, across);
}

/** Whether training uses a split of this name. */
export function isTrainingSplit(split: string): boolean {
  return split !== 'test';
}

function report(
  data: DataLayout,
  splits: readonly CheckedSplit[],
  across = new ProblemLog(),
): DataReport {
  const logs = [...splits.map(({ log }) => log), across];
  return {
    data,
    splits: splits.map(({ log, ...split }) => ({
      ...split,
      findings: log.findings(),
      refused: log.count('error') > 0,
    })),
    across: across.findings(),
    errors: logs.reduce((sum, log) => sum + log.count('error'), 0),
    warnings: logs.reduce((sum, log) => sum + log.count('warning'), 0),
  };
}
