import { OptionError, ResultsError, quote } from '../../core/errors.js';
import { classLookup, readClassList, type ClassEntry } from '../../datasets/class-list.js';
import { mappedLine } from '../../datasets/class-order.js';
import { imageNetClasses } from '../../datasets/classes/imagenet.js';
import {
  ClassificationEvaluator,
  type ClassificationResult,
} from '../../evaluation/classification/evaluator.js';
import { decodePartialResult, encodePartialResult } from '../../io/partial-result.js';
import { readBytes } from '../../io/files/read.js';
import { finiteOrNull } from '../../report/format.js';
import { listedClasses, resultOrder, type ListedClasses } from './classes.js';
import {
  imageName,
  readLabels,
  readResults,
  type ResultFile,
  type ResultRecord,
} from './imagenet-files.js';

/** Options of scoring classification results. */
export interface ImagenetScoreOptions {
  /**
   * JSON lines `{file, label?, logits}` or `{file, label?, top}` with `top` a list of classes by descending probability,
   * numbers or `{classIndex}`; or the `predictions.json` of `convnextv2 predict`.
   */
  readonly dt: readonly string[];
  readonly parts: readonly string[];
  /**
   * Labels by file name: a JSON list of `{file, label | index}`, a JSON object, or lines `file label`; class indices, names
   * or keys.
   */
  readonly gt?: string | undefined;
  /** List of the classes of the labels; default: those of the results. */
  readonly classes?: string | undefined;
  /** List of the classes of the results, which are found among those of the labels by name; default: that of `predictions.json`. */
  readonly dtClasses?: string | undefined;
  /** Required if there are no logits. */
  readonly numClasses?: number | undefined;
}

interface ImagenetScore {
  readonly result: ClassificationResult;
  readonly numClasses: number;
  readonly warnings: readonly string[];
  readonly part: () => Uint8Array;
}

/** Scores classification results. @throws ResultsError or OptionError for invalid input */
export async function scoreImagenet(options: ImagenetScoreOptions): Promise<ImagenetScore> {
  const warnings: string[] = [];
  let evaluator: ClassificationEvaluator | undefined;
  let groundTruth: GroundTruth | undefined;
  let { numClasses } = options;
  const seen = new Set<string>();
  for (const file of options.dt) {
    const results = await readResults(file);
    groundTruth ??= await readGroundTruth(options, file, results);
    const { labels, lookUp } = groundTruth;
    numClasses ??= groundTruth.classes?.length;
    const { mapped, line } = recordMapper(groundTruth, file, results);
    for (const { record: read, where } of results.records) {
      const record = mapped(read, where);
      const name = imageName(record.file);
      if (seen.has(name))
        throw new ResultsError(`${where}: expected each image once, got ${name} again`, { file });
      seen.add(name);
      const given = labels ? labels.get(name) : record.label;
      if (given === undefined)
        throw new ResultsError(
          `${where}: expected a label ${labels ? `of ${name} in ${options.gt}` : 'or --gt'}, got none`,
          { file, id: name },
        );
      const place = labels ? `${options.gt}#${name}` : where;
      const label = labelIndex(given, lookUp, place, name);
      numClasses ??= record.logits?.length;
      if (numClasses === undefined)
        throw new OptionError(
          '--num-classes: expected the number of classes where there are no logits, got none',
        );
      evaluator ??= new ClassificationEvaluator(numClasses);
      if (record.logits) evaluator.update(Float64Array.from(record.logits), [label], where);
      else evaluator.updateRanked(record.top ?? [], label, where);
    }
    const said = line();
    if (said !== undefined) warnings.push(said);
  }
  for (const file of options.parts) {
    const part = decodePartialResult(await readBytes(file), file);
    numClasses ??= (part.settings as { numClasses?: number } | null)?.numClasses ?? 1;
    evaluator ??= new ClassificationEvaluator(numClasses);
    evaluator.addPartialResult(part);
  }
  const done = evaluator ?? new ClassificationEvaluator(numClasses ?? 1);
  const result = done.finish();
  if (result.numSamples === 0) warnings.push('the results are empty');
  const { labels } = groundTruth ?? (await readGroundTruth(options));
  const numMissing = labels ? [...labels.keys()].filter((name) => !seen.has(name)).length : 0;
  if (numMissing > 0) warnings.push(`${numMissing} labeled images have no result and are left out`);
  return {
    result,
    numClasses: numClasses ?? 1,
    warnings,
    part: () => encodePartialResult(done.toPartialResult()),
  };
}

/** Labels and classes, where they are known. */
interface GroundTruth {
  /** By name of the image. */
  readonly labels: ReadonlyMap<string, number | string> | undefined;
  /** By index; default: those of the results. */
  readonly classes: readonly ClassEntry[] | undefined;
  readonly lookUp: ReturnType<typeof classLookup> | undefined;
  /** Classes of all results, by option. */
  readonly listed: ListedClasses | undefined;
}

/** @param file the first of the results */
async function readGroundTruth(
  { gt, classes: classFile, dtClasses, numClasses }: ImagenetScoreOptions,
  file?: string,
  results?: ResultFile,
): Promise<GroundTruth> {
  const listed = dtClasses === undefined ? undefined : listedClasses(dtClasses);
  const own = results?.classes && namedClasses(results.classes);
  const classes = classFile === undefined ? (listed?.classes ?? own) : readClassList(classFile);
  if (classes && numClasses !== undefined && classes.length !== numClasses)
    throw new OptionError(
      `--num-classes: expected the ${classes.length} classes of ${classFile ?? dtClasses ?? file}, got ${numClasses}`,
    );
  const lookUp = classes && classLookup(classes);
  const isClass = lookUp && ((text: string): boolean => typeof lookUp(text) === 'number');
  const labels = gt === undefined ? undefined : readLabels(gt, isClass);
  return { labels, classes, lookUp, listed };
}

/** Classes of names, with their WordNet ids if they are those of ImageNet-1K. */
function namedClasses(names: readonly string[]): readonly ClassEntry[] {
  const known = imageNetClasses();
  const isImageNet =
    names.length === known.length && names.every((name, k) => name === known[k].name);
  return isImageNet ? known : names.map((name) => ({ key: name, name }));
}

/** Gives the classes of records the indices of the labels. */
function recordMapper(
  { classes: labels, listed: ofAll }: Pick<GroundTruth, 'classes' | 'listed'>,
  file: string,
  { classes: own }: ResultFile,
): {
  readonly mapped: (record: ResultRecord, where: string) => ResultRecord;
  /** Line about the classes that were mapped. */
  readonly line: () => string | undefined;
} {
  const listed = ofAll ?? (own && { file, classes: namedClasses(own) });
  if (!labels) return { mapped: (record) => record, line: () => undefined };
  if (!listed) return mapperByName(labels, file);
  const { order, line } = resultOrder(listed, labels);
  const numListed = listed.classes.length;
  const assertListed = (k: number, where: string): void => {
    if (!(k < numListed))
      throw new ResultsError(
        `${where}: expected the ${numListed} classes of ${listed.file}, got number ${k}`,
        { file },
      );
  };
  const mapped = (record: ResultRecord, where: string): ResultRecord => {
    const { logits, top } = record;
    if (logits) {
      if (logits.length !== numListed)
        throw new ResultsError(
          `${where}: expected the ${numListed} classes of ${listed.file}, got ${logits.length} logits`,
          { file },
        );
      if (!order && numListed === labels.length) return record;
      // Classes that the results lack are never predicted.
      const all = new Array<number>(labels.length).fill(-Infinity);
      logits.forEach((value, k) => (all[order?.[k] ?? k] = value));
      return { ...record, logits: all };
    }
    top?.forEach((k) => assertListed(k, where));
    return order ? { ...record, top: top?.map((k) => order[k]) ?? [] } : record;
  };
  return { mapped, line: () => line };
}

/** {@link recordMapper} of results without a list: classes with a name are found by it. */
function mapperByName(
  labels: readonly ClassEntry[],
  file: string,
): ReturnType<typeof recordMapper> {
  const lookUp = classLookup(labels);
  let isMapped = false;
  const mapped = (record: ResultRecord, where: string): ResultRecord => {
    if (record.logits && record.logits.length !== labels.length)
      throw new ResultsError(
        `${where}: expected ${labels.length} logits, one for each class of the labels, got ${record.logits.length}; --dt-classes FILE lists the classes of the results`,
        { file },
      );
    const top = record.top?.map((k, i) => {
      const name = record.names?.[i];
      if (name === undefined || name === `class ${k}`) return k;
      if (labels[k]?.name === name || labels[k]?.key === name) return k;
      const found = lookUp(name);
      if (typeof found === 'string')
        throw new ResultsError(
          `${where}: expected one of the ${labels.length} classes of the labels, got ${quote(name)}; --dt-classes FILE lists the classes of the results`,
          { file },
        );
      isMapped = true;
      return found;
    });
    return top ? { ...record, top } : record;
  };
  return {
    mapped,
    line: () => (isMapped ? mappedLine({ file, owner: 'the labels' }) : undefined),
  };
}

function labelIndex(
  label: number | string,
  lookUp: ReturnType<typeof classLookup> | undefined,
  where: string,
  id: string,
): number {
  if (typeof label === 'number') return label;
  const index = lookUp
    ? lookUp(label)
    : `expected a class index, or --classes FILE with the names, got ${quote(label)}`;
  if (typeof index === 'string') throw new ResultsError(`${where}: ${index}`, { id });
  return index;
}

/** Creates the JSON document of a score; undefined values are null. */
export function imagenetDocument(score: ImagenetScore, options: ImagenetScoreOptions): object {
  const { result, numClasses, warnings } = score;
  const { calibration } = result;
  return {
    task: 'classification',
    files: { gt: options.gt ?? null, dt: options.dt, parts: options.parts },
    counts: { samples: result.numSamples, classes: numClasses },
    metrics: {
      top1: finiteOrNull(result.top1),
      top5: finiteOrNull(result.top5),
      meanPerClassTop1: finiteOrNull(result.meanPerClassTop1),
      ece: calibration && finiteOrNull(calibration.ece),
      mce: calibration && finiteOrNull(calibration.mce),
      meanNLL: calibration && finiteOrNull(calibration.meanNLL),
      brier: calibration && finiteOrNull(calibration.brier),
    },
    bins: calibration?.bins.map(({ count, confidence, accuracy }) => [
      count,
      finiteOrNull(confidence),
      finiteOrNull(accuracy),
    ]),
    perClassTop1: Object.fromEntries(result.perClassTop1),
    warnings,
  };
}
