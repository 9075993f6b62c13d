import { statSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { DataError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { COCO_PROBLEMS, reportTo } from '../../datasets/coco/problem-kinds.js';
import { checkCocoResults } from '../../datasets/coco/results.js';
import { readTables } from '../../datasets/annotations/read.js';
import { ProblemLog, type Finding } from '../../datasets/problems.js';
import {
  checkData,
  isTrainingSplit,
  type CheckOptions,
  type SplitReport,
} from '../../datasets/check.js';
import { useLine } from '../../datasets/part-use.js';
import type { DataLayout } from '../../datasets/layout/types.js';
import { findLayout } from '../../datasets/layout/detect.js';
import { resolveConfig } from '../../train/config/resolve.js';
import type { RecipeConfig } from '../../train/config/schemas.js';
import { needsOf } from '../../train/inspect.js';
import { dataOptions, kindOfTask, TASK_OF, type DataFlags } from '../data-options.js';
import { log, print, printJson, type JsonFlag } from '../output.js';

/** Flags of `data check`. */
export interface CheckFlags extends DataFlags, JsonFlag {
  readonly decode?: boolean;
  readonly images: boolean;
  readonly all?: boolean;
  readonly results?: readonly string[];
  readonly task?: string;
  readonly recipe?: string;
  readonly set: readonly string[];
}

/** Number of problems per kind that are printed, kept in JSON, and kept with `--all`. */
const EXAMPLES = { text: 5, json: 100, all: 1_000_000 };

/** Runs `data check`. @returns whether training would accept the set */
export async function runCheck(path: string, flags: CheckFlags): Promise<boolean> {
  const data = await findLayout(path, {
    ...dataOptions(flags),
    kind: kindOfTask(flags.task),
    several: true,
  });
  log(data.line);
  const options: CheckOptions = {
    needs: needsOf(configFor(data, flags)),
    images: flags.decode ? 'pixels' : flags.images ? 'headers' : 'none',
    maxExamples: flags.all ? EXAMPLES.all : EXAMPLES.json,
  };
  const report = await checkData(data, options);
  const results = await checkResults(data, flags.results ?? [], options.maxExamples);
  const errors = report.errors + results.errors;
  const warnings = report.warnings + results.warnings;
  const splits = [...report.splits, ...results.splits];
  // Errors of a part that training does not use do not matter for it.
  const isRefused = report.across.some(({ severity }) => severity === 'error');
  const ok =
    !isRefused &&
    results.errors === 0 &&
    report.splits.every(({ split, refused }) => !refused || !isTrainingSplit(split));
  if (flags.json) {
    printJson({
      ok,
      errors,
      warnings,
      recognised: data,
      splits,
      across: report.across,
      peakMemoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
    });
    return ok;
  }
  const shown = flags.all ? EXAMPLES.all : EXAMPLES.text;
  const printPart = (findings: readonly Finding[], own?: string): void =>
    printFindings(findings, {
      shown,
      root: statSync(path).isDirectory() ? path : dirname(path),
      own,
    });
  for (const { split, counts, classes, findings, use } of splits) {
    const numbers = Object.entries(counts).map(([name, count]) => counted(count, name));
    print(`${split}: ${numbers.join(', ')}`);
    if (classes) print(`  classes: ${classLine(classes)}`);
    if (use && use.leftOut.length > 0) print(`  used: ${useLine(use)}`);
    printPart(findings, data.kind === 'detection' ? data.splits[split]?.annotations : undefined);
  }
  if (report.across.length > 0) {
    print('across the splits:');
    printPart(report.across);
  }
  const isList = report.across.some(({ code }) => code === COCO_PROBLEMS.partsUnnamed.code);
  const refused = splits.filter((part) => part.refused).map(({ split }) => split);
  const seen = wereImagesSeen(splits)
    ? `training accepts ${isList ? 'each of these files alone (--data FILE)' : 'this set'}${flags.decode ? '' : ' (pixels were not decoded: --decode)'}`
    : `the annotations are fit for training, ${hasImages(data) ? 'the images were not looked at' : 'which also needs the folder of the images: none was found'}`;
  const unused = refused.length > 0 ? `, without its part ${refused.join(', ')}` : '';
  const numErrors = errors === 0 ? 'No errors' : counted(errors, 'errors');
  print(
    `${numErrors}, ${counted(warnings, 'warnings')}: ${ok ? seen + unused : 'training refuses this set'}.`,
  );
  return ok;
}

const hasImages = (data: DataLayout): boolean =>
  data.kind !== 'detection' ||
  Object.values(data.splits).every(({ images }) => images !== undefined);

/** Configuration of the run that the set is checked for. @throws ConfigError, DataError if the task is another one */
function configFor(data: DataLayout, { task, recipe, set }: CheckFlags): RecipeConfig {
  const ofData = TASK_OF[data.kind];
  if (task !== undefined && task !== ofData)
    throw new DataError(
      `--task ${task}: expected a set for it, got one to ${ofData}: ${data.line}`,
    );
  const { config } = resolveConfig(recipe ?? ofData, { set });
  if (config.task !== ofData)
    throw new DataError(
      `--recipe ${String(recipe)}: expected a recipe to ${ofData}, got one to ${config.task}`,
    );
  return config;
}

function wereImagesSeen(splits: readonly SplitReport[]): boolean {
  const { code } = COCO_PROBLEMS.imagesUnchecked;
  return splits.every(({ findings }) => findings.every((finding) => finding.code !== code));
}

/** Names of single things that parts have. */
const SINGLE: Readonly<Record<string, string>> = {
  errors: 'error',
  warnings: 'warning',
  images: 'image',
  annotations: 'annotation',
  categories: 'category',
  classes: 'class',
};

/** `1 category`, `2 images`. @param name plural */
function counted(count: number, name: string): string {
  return `${count} ${count === 1 ? (SINGLE[name] ?? name) : name}`;
}

/** Number of classes that are printed. */
const MOST_CLASSES = 30;

/** `cat 120, dog 80; 78 others have none` */
function classLine(classes: Readonly<Record<string, number>>): string {
  const all = Object.entries(classes);
  const used = all
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${printable(name)} ${count}`);
  const more = used.length - MOST_CLASSES;
  const shown = [
    ...used.slice(0, MOST_CLASSES),
    ...(more > 0 ? [`… and ${more} more (--json)`] : []),
  ];
  if (shown.length === 0) return 'none has objects';
  const empty = all.length - used.length;
  const rest = empty === 1 ? '1 other has none' : `${empty} others have none`;
  return shown.join(', ') + (empty > 0 ? `; ${rest}` : '');
}

/** Options of the printed findings. */
interface PrintOptions {
  /** Number of occurrences of each kind. */
  readonly shown: number;
  /** Folder that paths are relative to. */
  readonly root: string;
  /** File of the part, which is not repeated. */
  readonly own?: string | undefined;
}

function printFindings(findings: readonly Finding[], { shown, root, own }: PrintOptions): void {
  for (const { severity, code, meaning, count, examples } of findings) {
    print(`  ${severity.padEnd(7)}  ${count} x ${code}: ${meaning}`);
    // Details of notes are printed only if there are few.
    if (severity === 'note' && count > shown) continue;
    for (const { file, message } of examples.slice(0, shown)) {
      const isNamed = file === '' || file === own || message.includes(file);
      print(`           ${isNamed ? '' : `${relative(root, file) || file}: `}${message}`);
    }
    if (count > Math.min(shown, examples.length))
      print(`           … and ${count - Math.min(shown, examples.length)} more (--all)`);
  }
}

/** Checks result files against the split of their images. */
async function checkResults(
  data: DataLayout,
  files: readonly string[],
  maxExamples: number,
): Promise<{
  readonly splits: readonly SplitReport[];
  readonly errors: number;
  readonly warnings: number;
}> {
  const splits: SplitReport[] = [];
  let [errors, warnings] = [0, 0];
  if (files.length > 0 && data.kind !== 'detection')
    throw new DataError(`--results: expected a detection set, got ${data.line}`);
  for (const file of files) {
    // Chooses the split with the fewest unknown images.
    let best:
      { report: Omit<SplitReport, 'refused'>; log: ProblemLog; unknown: number } | undefined;
    for (const [split, source] of data.kind === 'detection' ? Object.entries(data.splits) : []) {
      const annotations = await readTables(source, reportTo(new ProblemLog()), {
        masks: false,
      });
      const problems = new ProblemLog(maxExamples);
      const counts = await checkCocoResults(file, annotations, problems);
      const findings = problems.findings();
      const unknown =
        findings.find(({ code }) => code === COCO_PROBLEMS.unknownImage.code)?.count ?? 0;
      if (best && best.unknown <= unknown) continue;
      const report = { split: `${file} on ${split}`, counts: { ...counts }, findings };
      best = { report, log: problems, unknown };
    }
    if (!best) continue;
    splits.push({ ...best.report, refused: best.log.count('error') > 0 });
    errors += best.log.count('error');
    warnings += best.log.count('warning');
  }
  return { splits, errors, warnings };
}
