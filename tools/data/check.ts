import { relative } from 'node:path';
import { DataError } from '../../core/errors.js';
import { COCO_PROBLEMS, reportTo } from '../../datasets/coco/problem-kinds.js';
import { checkCocoResults } from '../../datasets/coco/results.js';
import { readTables } from '../../datasets/annotations/read.js';
import { ProblemLog, type Finding } from '../../datasets/problems.js';
import { checkData, type CheckOptions, type SplitReport } from '../../datasets/check.js';
import type { DataLayout } from '../../datasets/layout/types.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import { dataOptions, type DataFlags } from '../data-options.js';
import { log, print, printJson, type JsonFlag } from '../output.js';

/** Flags of `data check`. */
export interface CheckFlags extends DataFlags, JsonFlag {
  readonly decode?: boolean;
  readonly images: boolean;
  readonly all?: boolean;
  readonly results?: readonly string[];
}

/** Number of problems per kind that are printed, kept in JSON, and kept with `--all`. */
const EXAMPLES = { text: 5, json: 100, all: 1_000_000 };

/** Runs `data check`. @returns whether training would accept the set */
export async function runCheck(path: string, flags: CheckFlags): Promise<boolean> {
  const data = await detectLayout(path, { ...dataOptions(flags), several: true });
  log(data.line);
  const options: CheckOptions = {
    images: flags.decode ? 'pixels' : flags.images ? 'headers' : 'none',
    maxExamples: flags.all ? EXAMPLES.all : EXAMPLES.json,
  };
  const report = await checkData(data, options);
  const results = await checkResults(data, flags.results ?? [], options.maxExamples);
  const errors = report.errors + results.errors;
  const warnings = report.warnings + results.warnings;
  const splits = [...report.splits, ...results.splits];
  const ok = errors === 0;
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
  for (const { split, counts, findings } of splits) {
    const numbers = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
    print(`${split}: ${numbers.join(', ')}`);
    const source = data.kind === 'detection' ? data.splits[split] : undefined;
    printFindings(findings, shown, source?.annotations);
  }
  if (report.across.length > 0) {
    print('across the splits:');
    printFindings(report.across, shown);
  }
  print(
    ok
      ? `No errors, ${warnings} warnings: ${wereImagesSeen(splits) ? 'training accepts this set' : 'the annotations are fit for training, the images were not looked at'}.`
      : `${errors} errors, ${warnings} warnings: training refuses this set.`,
  );
  return ok;
}

function wereImagesSeen(splits: readonly SplitReport[]): boolean {
  const { code } = COCO_PROBLEMS.imagesUnchecked;
  return splits.every(({ findings }) => findings.every((finding) => finding.code !== code));
}

/** @param own file that most problems are in, which is not repeated */
function printFindings(findings: readonly Finding[], shown: number, own?: string): void {
  for (const { severity, code, meaning, count, examples } of findings) {
    print(`  ${severity.padEnd(7)}  ${count} x ${code}: ${meaning}`);
    // Details of notes are printed only if there are few.
    if (severity === 'note' && count > shown) continue;
    for (const { file, message } of examples.slice(0, shown)) {
      const isElsewhere = own !== undefined && file !== own && !message.includes(file);
      print(`           ${isElsewhere ? `${relative('', file)}: ` : ''}${message}`);
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
    let best: { report: SplitReport; log: ProblemLog; unknown: number } | undefined;
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
    splits.push(best.report);
    errors += best.log.count('error');
    warnings += best.log.count('warning');
  }
  return { splits, errors, warnings };
}
