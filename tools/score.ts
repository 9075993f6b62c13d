import type { Command } from 'commander';
import { OptionError } from '../core/errors.js';
import type { AreaRange } from '../evaluation/coco/parameters.js';
import { percent } from '../report/format.js';
import { numberList, wholeNumber } from './engine-options.js';
import { formatTable, log, print, printJson, type JsonFlag } from './output.js';
import type { SemanticScoreOptions } from './score/ade20k.js';
import type { CocoScoreOptions } from './score/coco.js';
import type { ImagenetScoreOptions } from './score/imagenet.js';
import { areaRangeList, idList } from './score/lists.js';

interface CommonFlags extends JsonFlag {
  readonly merge?: readonly string[];
  readonly part?: string;
}

interface CocoFlags extends CommonFlags, Pick<CocoScoreOptions, 'gt' | 'threads'> {
  readonly dt?: readonly string[];
  readonly type: string;
  readonly perCategory?: boolean;
  readonly errors?: boolean;
  readonly confusion?: string;
  readonly iouThresholds?: readonly number[];
  readonly areaRanges?: readonly AreaRange[];
  readonly maxDets?: readonly number[];
  readonly imageIds?: readonly number[];
  readonly categoryIds?: readonly number[];
  readonly poolCategories?: boolean;
  readonly sigmas?: readonly number[];
  readonly unknownImages: string;
  readonly strict: boolean;
}

interface SemanticFlags
  extends
    CommonFlags,
    Omit<SemanticScoreOptions, 'parts' | 'ignoreIndex' | 'numClasses' | 'labelClasses'> {
  readonly numClasses?: number;
  readonly classes?: string;
  readonly ignore: number;
  readonly perClass?: boolean;
}

interface ImagenetFlags extends CommonFlags, Omit<ImagenetScoreOptions, 'dt' | 'parts'> {
  readonly dt?: readonly string[];
}

interface LvisFlags extends JsonFlag {
  readonly gt: string;
  readonly dt: readonly string[];
  readonly type: string;
  readonly fixed: boolean;
  readonly perCategory?: boolean;
}

/** `convnextv2 score` */
export function defineScore(score: Command): void {
  registerCoco(score);
  registerLvis(score);
  registerSemantic(score);
  registerImagenet(score);
}

function registerCoco(score: Command): void {
  common(score.command('coco').description('boxes, masks or keypoints in COCO format'))
    .requiredOption('--gt <file>', 'annotations')
    .option('--dt <files...>', 'results; several files are read as one list')
    .requiredOption('--type <type>', 'bbox, segm or keypoints')
    .option('--per-category', 'also print a table of the categories')
    .option('--errors', 'sort the errors by what is wrong, at IoU 0.5')
    .option('--confusion <score>', 'confusion matrix of the detections from a score on (--json)')
    .option('--iou-thresholds <list>', 'instead of 0.5 to 0.95', numberList('--iou-thresholds'))
    .option('--area-ranges <list>', 'NAME:MIN-MAX,… in pixels', areaRangeList('--area-ranges'))
    .option('--max-dets <list>', 'instead of 1,10,100', numberList('--max-dets'))
    .option('--image-ids <list>', 'only these images; @FILE reads them', idList('--image-ids'))
    .option('--category-ids <list>', 'only these categories', idList('--category-ids'))
    .option('--pool-categories', 'whatever the category')
    .option('--sigmas <list>', 'of the keypoints', numberList('--sigmas'))
    .option('--unknown-images <how>', 'refuse detections of unknown images, or leave-out', 'refuse')
    .option('--no-strict', 'drop the oddities of the reference (id 0, ignore, areas of masks)')
    .option('--threads <n>', 'threads; as many as pay by default', wholeNumber('--threads'))
    .action((flags: CocoFlags) => runCoco(flags));
}

function registerLvis(score: Command): void {
  score
    .command('lvis')
    .description('boxes or masks of LVIS: federated labels, rare, common and frequent categories')
    .requiredOption('--gt <file>', 'annotations of LVIS')
    .requiredOption('--dt <files...>', 'results; several files are read as one list')
    .requiredOption('--type <type>', 'bbox or segm')
    .option('--fixed', 'fixed AP: 10,000 detections per category, instead of 300 per image', false)
    .option('--per-category', 'also print a table of the categories')
    .option('--json', 'print one JSON document')
    .action((flags: LvisFlags) => runLvis(flags));
}

function registerSemantic(score: Command): void {
  common(score.command('ade20k').description('label maps as PNG, by file name'))
    .requiredOption('--gt <dir>', 'label files')
    .option('--dt <dir>', 'predicted label files')
    .option('--num-classes <n>', 'default: 150, or all of --classes', wholeNumber('--num-classes'))
    .option('--classes <file>', 'classes of the labels: classes.txt or .json')
    .option('--dt-classes <file>', 'classes of the predictions; default: classes.json beside them')
    .option('--ignore <label>', 'label that does not count', wholeNumber('--ignore'), 255)
    .option('--no-reduce-zero-label', 'labels are class indices, instead of 0 = other, 1 … n')
    .option(
      '--predictions <how>',
      'predictions are numbered as the labels, or are indices',
      'labels',
    )
    .option('--per-class', 'also print a table of the classes')
    .option('--per-image', 'also give the numbers of each image (--json)')
    .option('--boundary', 'also compute the boundary IoU')
    .option('--allow-missing', 'leave out images without a prediction')
    .action((flags: SemanticFlags) => runSemantic(flags));
}

function registerImagenet(score: Command): void {
  common(score.command('imagenet').description('top-1, top-5 and calibration'))
    .option('--dt <files...>', 'JSON lines {file, label, logits | top}, or predictions.json')
    .option(
      '--gt <file>',
      'labels, where the results have none: JSON, or lines "file label"; indices or names',
    )
    .option('--num-classes <n>', 'classes, where there are no logits', wholeNumber('--num-classes'))
    .option('--classes <file>', 'classes of the labels: classes.txt or .json')
    .option('--dt-classes <file>', 'classes of the results, if in another order')
    .action((flags: ImagenetFlags) => runImagenet(flags));
}

function common(command: Command): Command {
  return command
    .option('--merge <parts...>', 'add what other processes have written with --part')
    .option('--part <file>', 'write what was evaluated, for --merge')
    .option('--json', 'print one JSON document');
}

async function runCoco(flags: CocoFlags): Promise<void> {
  const { type: iouType, unknownImages } = flags;
  if (iouType !== 'bbox' && iouType !== 'segm' && iouType !== 'keypoints')
    throw new OptionError(`--type: expected bbox, segm or keypoints, got ${iouType}`);
  if (unknownImages !== 'refuse' && unknownImages !== 'leave-out')
    throw new OptionError(`--unknown-images: expected refuse or leave-out, got ${unknownImages}`);
  if (!flags.dt && !flags.merge)
    throw new OptionError('--dt: expected result files, or --merge, got none');
  const confusionScore = flags.confusion === undefined ? undefined : Number(flags.confusion);
  if (Number.isNaN(confusionScore))
    throw new OptionError(`--confusion: expected a score, got ${flags.confusion}`);
  const { cocoDocument, scoreCoco } = await import('./score/coco.js');
  const options: CocoScoreOptions = {
    gt: flags.gt,
    dt: flags.dt ?? [],
    parts: flags.merge ?? [],
    iouType,
    unknownImages: unknownImages === 'refuse' ? 'refuse' : 'leaveOut',
    errors: flags.errors ?? false,
    confusionScore,
    threads: flags.threads === undefined ? undefined : Math.max(1, flags.threads),
    parameters: {
      iouThresholds: flags.iouThresholds,
      areaRanges: flags.areaRanges,
      maxDetections: flags.maxDets && [...flags.maxDets].sort((a, b) => a - b),
      imageIds: flags.imageIds,
      categoryIds: flags.categoryIds,
      keypointSigmas: flags.sigmas,
      useCategories: !flags.poolCategories,
      strict: flags.strict,
    },
  };
  await assertPart(flags);
  const score = await scoreCoco(options);
  await finish(flags, score);
  if (flags.json) return printJson(cocoDocument(score, options));
  const { cocoText } = await import('./score/coco-table.js');
  print(cocoText(score, flags.perCategory ?? false));
}

async function runLvis({ type: iouType, ...flags }: LvisFlags): Promise<void> {
  if (iouType !== 'bbox' && iouType !== 'segm')
    throw new OptionError(`--type: expected bbox or segm, got ${iouType}`);
  const { lvisDocument, lvisText, scoreLvis } = await import('./score/lvis.js');
  const options = { ...flags, iouType } as const;
  const score = await scoreLvis(options);
  if (flags.json) printJson(lvisDocument(score, options));
  else print(lvisText(score, flags.perCategory ?? false));
}

async function runSemantic(flags: SemanticFlags): Promise<void> {
  if ((flags.predictions as string) !== 'labels' && flags.predictions !== 'indices')
    throw new OptionError(
      `--predictions: expected labels or indices, got ${String(flags.predictions)}`,
    );
  if (!flags.dt && !flags.merge)
    throw new OptionError('--dt: expected a folder, or --merge, got none');
  const { scoreSemantic, semanticDocument } = await import('./score/ade20k.js');
  const { semanticClasses } = await import('./score/classes.js');
  const { numClasses, labelClasses } = semanticClasses(flags.classes, flags.numClasses);
  const classNames = labelClasses?.map(({ name }) => name);
  const options = {
    ...flags,
    numClasses,
    labelClasses,
    parts: flags.merge ?? [],
    ignoreIndex: flags.ignore,
  };
  await assertPart(flags);
  const score = await scoreSemantic(options);
  await finish(flags, score);
  if (flags.json) return printJson(semanticDocument(score, options, classNames));
  const { result, boundary } = score;
  const names = ['aAcc', 'mIoU', 'mAcc', 'mDice', 'mPrecision', 'mRecall', 'mFscore'] as const;
  print(`${result.numImages} images`);
  const columns: (readonly [string, number])[] = names.map((name) => [name, result[name]]);
  if (boundary) columns.push(['boundary IoU', boundary.mean]);
  const values = columns.map(([, value]) => percent(value, 2));
  print(formatTable([columns.map(([name]) => name), values]));
  if (flags.perClass)
    print(
      formatTable([
        ['class', 'IoU', 'Acc', 'Dice', 'Precision', 'pixels'],
        ...result.perClass.map(({ IoU, Acc, Dice, Precision }, k) => [
          classNames?.[k] ?? String(k),
          ...[IoU, Acc, Dice, Precision].map((value) => percent(value, 2)),
          String(result.areas.labeled[k]),
        ]),
      ]),
    );
}

async function runImagenet(flags: ImagenetFlags): Promise<void> {
  if (!flags.dt && !flags.merge)
    throw new OptionError('--dt: expected result files, or --merge, got none');
  const { imagenetDocument, scoreImagenet } = await import('./score/imagenet.js');
  const options = { ...flags, dt: flags.dt ?? [], parts: flags.merge ?? [] };
  await assertPart(flags);
  const score = await scoreImagenet(options);
  await finish(flags, score);
  if (flags.json) return printJson(imagenetDocument(score, options));
  const { numSamples, top1, top5, meanPerClassTop1, calibration } = score.result;
  print(`${numSamples} images`);
  print(
    formatTable([
      ['top-1 %', 'top-5 %', 'top-1 % a class', 'ECE %', 'MCE %', 'NLL', 'Brier'],
      [
        ...[top1, top5, meanPerClassTop1].map((value) => percent(value, 3)),
        ...[calibration?.ece ?? NaN, calibration?.mce ?? NaN].map((value) => percent(value, 2)),
        ...[calibration?.meanNLL ?? NaN, calibration?.brier ?? NaN].map((value) =>
          Number.isNaN(value) ? '-' : value.toFixed(4),
        ),
      ],
    ]),
  );
}

/** Checks before the work that `--part` replaces none of its inputs. */
async function assertPart({ part }: CommonFlags): Promise<void> {
  if (part === undefined) return;
  const { assertReplaceable } = await import('../io/files/apart.js');
  const { isPartialResult } = await import('../io/partial-result.js');
  assertReplaceable('--part', part, { name: 'a part of an evaluation', isStart: isPartialResult });
}

/** Prints warnings, and writes the partial result if requested. */
async function finish(
  flags: CommonFlags,
  score: { readonly warnings: readonly string[]; readonly part: () => Uint8Array },
): Promise<void> {
  for (const warning of score.warnings) log(`warning: ${warning}`);
  if (!flags.part) return;
  const { writeAtomically } = await import('../io/files/atomic.js');
  await writeAtomically(flags.part, score.part());
  log(`wrote ${flags.part}`);
}
