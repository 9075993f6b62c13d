import { percent } from '../report/format.js';
import { counted } from './data-facts.js';
import * as rule from '../core/options.js';
import type { PredictTask } from '../inference/predict-options.js';
import type { TileOptions } from '../inference/tiles/grid.js';
import type { DataOptions } from '../datasets/layout/types.js';
import { A_COMMUNICATOR } from './distributed/communicator.js';
import type { ShardedWorkOptions } from './distributed/sharded-work.js';

/** Options of an evaluation. */
export interface EvaluationOptions extends ShardedWorkOptions, Omit<DataOptions, 'classes'> {
  /** Names of the classes of the data, as `classes` of training: for label files without names, or to choose some. */
  readonly dataClasses?: readonly string[] | undefined;
  /** Default `val`. */
  readonly split?: 'train' | 'val' | undefined;
  /** Batch size (classify), default 8. */
  readonly batch?: number | undefined;
  /** Number of threads that load images (classify), default 2. */
  readonly workers?: number | undefined;
  /** Number of images from the beginning; default: all. */
  readonly limit?: number | undefined;
  /** Whether the table has rows by category or class. */
  readonly perCategory?: boolean | undefined;
}

/** Rules of {@link EvaluationOptions}. */
export const EVALUATION_RULES: rule.OptionRules<EvaluationOptions> = {
  communicator: A_COMMUNICATOR,
  shard: rule.A_TEXT,
  out: rule.A_TEXT,
  onNotice: rule.A_FUNCTION,
  valFraction: rule.A_FRACTION,
  seed: rule.wholeFrom(0),
  layout: rule.A_TEXT,
  classAttribute: rule.A_TEXT,
  dataClasses: rule.TEXTS,
  split: rule.oneWord('train', 'val'),
  batch: rule.wholeFrom(1),
  workers: rule.wholeFrom(0),
  limit: rule.wholeFrom(0),
  perCategory: rule.TRUE_OR_FALSE,
};

/** Selects the options of the data. */
export function dataOptionsIn(options: EvaluationOptions): DataOptions {
  const { valFraction, seed, layout, classAttribute, dataClasses: classes } = options;
  return { valFraction, seed, layout, classAttribute, classes };
}

/** Facts about the evaluation of a model of any task. */
interface EvaluatedModel extends Readonly<Record<string, unknown>> {
  /** Path of the weights; undefined for weights in memory. */
  readonly model: string | undefined;
  /** Path or description of the data. */
  readonly data: string;
  /** Number of scored images. */
  readonly count: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** Settings of the evaluation of a detector or segmenter. */
interface EvaluatedFrames extends EvaluatedModel {
  readonly split: 'train' | 'val';
  readonly tta: boolean;
  readonly tile: TileOptions | null;
  /** Weights that were evaluated: trained ones or their average. */
  readonly average: 'ema' | 'none';
}

/** Scores of a classifier. */
export interface ClassificationScores extends EvaluatedModel {
  /** Fraction of the images whose class is the most probable one, or one of the five most probable. */
  readonly top1: number;
  readonly top5: number;
  /** Mean cross entropy. */
  readonly loss: number;
  /** Numbers of images that this call scored, and that no call has scored yet; with `out` only. */
  readonly scored?: number | undefined;
  readonly missing?: number | undefined;
}

/** Average precisions and recalls by name, 0–1, as COCO's or LVIS's tools call them; −1 without objects of the kind. */
export interface AveragePrecisions extends Readonly<Record<string, number>> {
  readonly AP: number;
  readonly AP50: number;
  readonly AP75: number;
  readonly APs: number;
  readonly APm: number;
  readonly APl: number;
}

/** Average precisions and recall of a category, 0–1; −1 without objects. */
export interface CategoryScores {
  readonly name: string;
  readonly categoryId: number;
  readonly AP: number;
  readonly AP50: number;
  readonly AP75: number;
  readonly AR: number;
}

/** Scores of a detector. */
export interface DetectionScores extends EvaluatedFrames {
  /** Number of detections in all images. */
  readonly detections: number;
  /** Of boxes. */
  readonly bbox: AveragePrecisions;
  readonly bboxPerCategory: readonly CategoryScores[];
  /** Of masks; absent if the model or the data has none. */
  readonly segm?: AveragePrecisions | undefined;
  readonly segmPerCategory?: readonly CategoryScores[] | undefined;
}

/** Scores of a segmenter, 0–1. */
export interface SegmentationScores extends EvaluatedFrames {
  readonly slide: boolean;
  /** Factors of the size for test-time augmentation. */
  readonly ratios: readonly number[];
  /** Accuracy of all pixels. */
  readonly aAcc: number;
  /** Means over the classes that are labeled or predicted. */
  readonly mIoU: number;
  readonly mAcc: number;
  /** Number of classes that are labeled, and the mean IoU over them. */
  readonly labelledClasses: number;
  readonly mIoUOfLabelled: number;
  /** By class index; null for a class that is neither labeled nor predicted. */
  readonly perClass: readonly {
    readonly name: string;
    readonly IoU: number | null;
    readonly Acc: number | null;
    /** Number of labeled pixels. */
    readonly pixels: number;
  }[];
}

/** Scores by task. */
interface Scores {
  readonly classify: ClassificationScores;
  readonly detect: DetectionScores;
  readonly segment: SegmentationScores;
}

/** Scores of models of a task. */
export type EvaluationScores<Task extends PredictTask = PredictTask> = Scores[Task];

/** Scores for programs and for people. */
export interface EvaluationReport<Document = Readonly<Record<string, unknown>>> {
  /** JSON document of `eval --json`. */
  readonly document: Document;
  /** The one number that says most: `AP 37.1 % (boxes, 40 images)`; absent if nothing was scored. */
  readonly headline?: string | undefined;
  /** Rows of the table; the first is the header. */
  readonly table: readonly (readonly (string | number)[])[];
}

/** Formats the one number of an evaluation. */
export function headlineOf(
  metric: string,
  fraction: number,
  { what, images }: { readonly what?: string | undefined; readonly images: number },
): string | undefined {
  if (images === 0) return undefined;
  const of = [...(what === undefined ? [] : [what]), counted(images, 'image')].join(', ');
  return `${metric} ${percent(fraction)} % (${of})`;
}

/** Reports the rate at every 10 % of the images. */
export function tellingProgress(
  onNotice: ShardedWorkOptions['onNotice'],
): (done: number, total: number) => void {
  const start = performance.now();
  return (done, total) => {
    if (Math.floor((10 * done) / total) === Math.floor((10 * (done - 1)) / total)) return;
    const rate = (1000 * done) / (performance.now() - start);
    const memory = (process.memoryUsage.rss() / 2 ** 20).toFixed(0);
    onNotice?.(`${done} of ${total} images, ${rate.toFixed(2)} images/s, ${memory} MiB`);
  };
}
