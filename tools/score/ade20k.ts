import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OptionError, ResultsError } from '../../core/errors.js';
import { readBytes } from '../../io/files/read.js';
import { decodePngIndices, type PngIndices } from '../../io/png/indices.js';
import { BoundaryIouEvaluator } from '../../evaluation/semantic/boundary-iou.js';
import { SemanticEvaluator, type SemanticResult } from '../../evaluation/semantic/evaluator.js';
import { semanticMetrics } from '../../evaluation/semantic/metrics.js';
import { decodePartialResult, encodePartialResult } from '../../io/partial-result.js';
import type { ClassEntry } from '../../datasets/class-list.js';
import { finiteOrNull } from '../../report/format.js';
import { classesBeside, listedClasses, resultOrder } from './classes.js';

/** Options of scoring label maps. */
export interface SemanticScoreOptions {
  /** Folder of label PNGs, or one such file. */
  readonly gt: string;
  /** Folder of predicted PNGs with the same names, or one such file. */
  readonly dt?: string | undefined;
  readonly parts: readonly string[];
  readonly numClasses: number;
  /** Classes of the labels by index, where they are known. */
  readonly labelClasses?: readonly ClassEntry[] | undefined;
  /** List of the classes of the predictions, which are found among those of the labels by name; default: a `classes.json` beside them. */
  readonly dtClasses?: string | undefined;
  readonly ignoreIndex: number;
  /** Whether 0 in label files means "other" and 1 … K are the classes. */
  readonly reduceZeroLabel: boolean;
  /** Whether predictions are numbered like the labels; otherwise they are class indices 0 … K − 1. */
  readonly predictions: 'labels' | 'indices';
  readonly perImage?: boolean | undefined;
  readonly boundary?: boolean | undefined;
  /** Whether to skip images without a prediction; otherwise they are an error. */
  readonly allowMissing?: boolean | undefined;
}

interface SemanticScore {
  readonly result: SemanticResult;
  readonly boundary?: { readonly mean: number; readonly perClass: Float64Array } | undefined;
  readonly perImage: readonly {
    readonly file: string;
    readonly aAcc: number;
    readonly mIoU: number;
    readonly mAcc: number;
    readonly mDice: number;
  }[];
  readonly warnings: readonly string[];
  readonly part: () => Uint8Array;
}

/** Scores predicted label maps. @throws ResultsError or OptionError for invalid input */
export async function scoreSemantic(options: SemanticScoreOptions): Promise<SemanticScore> {
  const { numClasses, ignoreIndex, reduceZeroLabel } = options;
  if (options.perImage && options.parts.length > 0)
    throw new OptionError(
      '--per-image: expected label files alone, got --merge, too; parts hold no single images',
    );
  const evaluator = new SemanticEvaluator({ numClasses, ignoreIndex, reduceZeroLabel });
  const boundary = options.boundary ? new BoundaryIouEvaluator(numClasses, ignoreIndex) : undefined;
  const warnings: string[] = [];
  const perImage: SemanticScore['perImage'][number][] = [];
  const pairs =
    options.dt === undefined ? [] : pairFiles(options.gt, options.dt, options, warnings);
  const order = orderOfPredictions(options, warnings);
  let numShifted = 0;
  for (const { labelFile, predictionFile, name } of pairs) {
    const labels = decodePngIndices(await readBytes(labelFile), labelFile);
    const predicted = decodePngIndices(await readBytes(predictionFile), predictionFile);
    assertSameSize(labels, predicted, predictionFile);
    const predictions = reordered(classIndices(predicted.data, options), order);
    const areas = evaluator.update(labels.data, predictions, labelFile);
    if (boundary) boundary.update(mapLabels(labels.data, options), predictions, labels);
    if (options.perImage) {
      const { aAcc, mIoU, mAcc, mDice } = semanticMetrics(areas);
      perImage.push({ file: name, aAcc, mIoU, mAcc, mDice });
    }
    if (!order) numShifted += countShifted(labels.data, predicted.data, options);
  }
  for (const file of options.parts) {
    const part = decodePartialResult(await readBytes(file), file);
    evaluator.addPartialResult(part);
    boundary?.addPartialResult(part);
  }
  const result = evaluator.finish();
  warnings.push(...resultWarnings(result, numShifted, options));
  return {
    result,
    boundary: boundary?.finish(),
    perImage,
    warnings,
    part: () =>
      encodePartialResult(
        boundary?.extendPartialResult(evaluator.toPartialResult()) ?? evaluator.toPartialResult(),
      ),
  };
}

/** Creates the JSON document of a score; undefined values are null. */
export function semanticDocument(
  score: SemanticScore,
  options: SemanticScoreOptions,
  classNames: readonly string[] | undefined,
): object {
  const { result, boundary, perImage, warnings } = score;
  const { perClass, areas, confusion, numImages, numOutOfRange, ...metrics } = result;
  const nulls = (values: object): object =>
    Object.fromEntries(Object.entries(values).map(([key, v]) => [key, finiteOrNull(v as number)]));
  const entries: [number, number, number][] = [];
  const K = options.numClasses;
  confusion.forEach((count, at) => {
    if (count > 0) entries.push([Math.floor(at / K), at % K, count]);
  });
  return {
    task: 'semantic',
    files: { gt: options.gt, dt: options.dt ?? null, parts: options.parts },
    counts: { images: numImages, outOfRangePredictions: numOutOfRange },
    params: {
      numClasses: K,
      ignoreIndex: options.ignoreIndex,
      reduceZeroLabel: options.reduceZeroLabel,
      predictions: options.predictions,
    },
    metrics: nulls(metrics),
    boundaryIoU: boundary && finiteOrNull(boundary.mean),
    perClass: perClass.map((metrics, k) => ({
      index: k,
      name: classNames?.[k] ?? null,
      ...nulls(metrics),
      boundaryIoU: boundary && finiteOrNull(boundary.perClass[k]),
      pixels: areas.labeled[k],
      predictedPixels: areas.predicted[k],
    })),
    confusion: entries,
    perImage: options.perImage
      ? perImage.map(({ file, ...metrics }) => ({ file, ...nulls(metrics) }))
      : undefined,
    warnings,
  };
}

interface FilePair {
  readonly name: string;
  readonly labelFile: string;
  readonly predictionFile: string;
}

function pairFiles(
  gt: string,
  dt: string,
  { allowMissing }: SemanticScoreOptions,
  warnings: string[],
): readonly FilePair[] {
  for (const path of [gt, dt])
    if (!existsSync(path))
      throw ResultsError.in(path, 'expected a folder of label PNGs, got no such file');
  if (!statSync(gt).isDirectory() && !statSync(dt).isDirectory())
    return [{ name: gt, labelFile: gt, predictionFile: dt }];
  const [labels, predictions] = [gt, dt].map(listPngs);
  if (labels.size === 0) throw ResultsError.in(gt, 'expected label PNGs, got none');
  const missing = [...labels.keys()].filter((name) => !predictions.has(name));
  const extra = [...predictions.keys()].filter((name) => !labels.has(name));
  const some = (names: readonly string[]): string =>
    `${names.slice(0, 3).join(', ')}${names.length > 3 ? `, … (${names.length})` : ''}`;
  if (missing.length === labels.size)
    throw ResultsError.in(dt, `expected PNGs named as in ${gt}, got none of ${some(missing)}`);
  if (missing.length > 0 && !allowMissing)
    throw ResultsError.in(
      dt,
      `expected a prediction for every label file, got none for ${some(missing)}; give --allow-missing to score the others`,
    );
  if (missing.length > 0)
    warnings.push(
      `${missing.length} label files have no prediction and are left out: ${some(missing)}`,
    );
  if (extra.length > 0)
    warnings.push(
      `${extra.length} predictions have no label file and are left out: ${some(extra)}`,
    );
  return [...labels].flatMap(([name, file]) => {
    const predicted = predictions.get(name);
    if (predicted === undefined) return [];
    return [{ name, labelFile: join(gt, file), predictionFile: join(dt, predicted) }];
  });
}

/** Paths of PNGs by their path in one form of Unicode, because file systems differ in it. */
function listPngs(folder: string): ReadonlyMap<string, string> {
  if (!statSync(folder).isDirectory())
    throw ResultsError.in(folder, 'expected a folder, as the other side is, got a file');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const pngs = names.filter((name) => name.toLowerCase().endsWith('.png')).sort();
  return new Map(pngs.map((name) => [name.normalize('NFC'), name]));
}

function assertSameSize(labels: PngIndices, predictions: PngIndices, file: string): void {
  if (labels.width !== predictions.width || labels.height !== predictions.height)
    throw ResultsError.in(
      file,
      `expected ${labels.width}x${labels.height} of the label file, got ${predictions.width}x${predictions.height}`,
    );
}

/** Order of the predictions' classes among those of the labels, if they have names and another order. */
function orderOfPredictions(
  { dt, dtClasses, labelClasses }: SemanticScoreOptions,
  warnings: string[],
): Int32Array | undefined {
  if (dt === undefined || !labelClasses) return undefined;
  const listed = dtClasses === undefined ? classesBeside(dt) : listedClasses(dtClasses);
  const { order, line } = listed ? resultOrder(listed, labelClasses) : {};
  if (line !== undefined) warnings.push(line);
  return order;
}

/** Gives class indices of predictions those of the labels; values that are no class stay. */
function reordered(data: PngIndices['data'], order: Int32Array | undefined): PngIndices['data'] {
  return order ? data.map((k) => (k < order.length ? order[k] : k)) : data;
}

/** Converts predictions to class indices; unknown values become 255, or 65535 if there are more classes. */
function classIndices(
  data: PngIndices['data'],
  { predictions, reduceZeroLabel, numClasses }: SemanticScoreOptions,
): PngIndices['data'] {
  if (predictions === 'indices' || !reduceZeroLabel) return data;
  const none = data instanceof Uint8Array && numClasses <= 255 ? 255 : 65535;
  const out = none === 255 ? new Uint8Array(data.length) : new Uint16Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = data[i] === 0 ? none : data[i] - 1;
  return out;
}

function mapLabels(
  data: PngIndices['data'],
  { reduceZeroLabel, ignoreIndex }: SemanticScoreOptions,
): PngIndices['data'] {
  if (!reduceZeroLabel) return data;
  return data.map((label) => (label === 0 || label === ignoreIndex ? ignoreIndex : label - 1));
}

/** Number of pixels that would be correct with the other numbering of predictions. */
function countShifted(
  labels: PngIndices['data'],
  predictions: PngIndices['data'],
  { reduceZeroLabel, predictions: numbering }: SemanticScoreOptions,
): number {
  if (!reduceZeroLabel) return 0;
  const shift = numbering === 'labels' ? 1 : 0; // a label and its index differ by 1
  let count = 0;
  for (let i = 0; i < labels.length; i++)
    if (labels[i] > 0 && labels[i] - shift === predictions[i]) count++;
  return count;
}

function resultWarnings(
  { numImages, numOutOfRange, areas }: SemanticResult,
  numShifted: number,
  { predictions }: SemanticScoreOptions,
): readonly string[] {
  const warnings: string[] = [];
  const right = areas.intersection.reduce((sum, n) => sum + n, 0);
  if (numImages === 0) warnings.push('there are no images');
  if (numOutOfRange > 0)
    warnings.push(`${numOutOfRange} pixels are predicted as no class and count as wrong`);
  if (numShifted > right)
    warnings.push(
      `more pixels would be right if the predictions were ${predictions === 'labels' ? 'class indices from 0 on (--predictions indices)' : 'numbered as the labels (--predictions labels)'}`,
    );
  return warnings;
}
