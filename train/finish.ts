import { basename, join } from 'node:path';
import { formatDuration } from '../core/duration.js';
import { thousands } from '../core/thousands.js';
import type { Engine } from '../engine/runtime/engine.js';
import { writeJsonAtomically } from '../io/files/atomic.js';
import { readMetrics } from '../io/run-folder.js';
import { writeReport } from '../report/run-report.js';
import { RESULT, type RunResult } from '../report/run-result.js';
import { PICTURES } from '../report/save-picture.js';
import { latestValid, readBest } from '../weights/checkpoint-folder.js';
import { CHECKPOINTS } from '../weights/checkpoint-folder.js';
import type { EarlyVerdict } from './early-verdict.js';
import type { OverfitVerdict } from './overfit.js';
import type { WhichWeights } from './log-record.js';
import type { TrainResult } from './loop.js';
import type { RunMonitor } from './monitor.js';
import { examineRun, type ExaminedWeights } from './examine.js';
import type { TrainOptions } from './options.js';
import { dataOptionsOf, IN_MEMORY, type RunPlan } from './plan.js';
import { TASKS } from './tasks/index.js';

/** Number of images of the report. */
export const MOST_IMAGES = 500;

/** Whether the trained model is evaluated for the report. */
export function examinesRun(
  { data, overfit }: Pick<RunPlan, 'data' | 'overfit'>,
  report = true,
): boolean {
  return report && typeof overfit !== 'number' && data !== IN_MEMORY;
}

/** Outcome of a run that is finished. */
export interface FinishedRun extends TrainResult {
  /** Reason of an early stop: no improvement within the patience, or images learned with `overfit`. */
  readonly stoppedEarly?: string;
  /** Whether it learns, said after a tenth of the steps; absent for short and resumed runs. */
  readonly learning?: EarlyVerdict | undefined;
  /** Verdict with `overfit`. */
  readonly overfit?: OverfitVerdict | undefined;
}

/**
 * Finishes a run: records its outcome, evaluates the best weights on held-out data if the run is complete, and writes the
 * report. The weights are already saved, so an error here becomes a message and does not fail the run.
 */
export async function finishRun(
  plan: RunPlan,
  options: TrainOptions,
  {
    engine,
    outcome,
    monitor,
    seconds,
  }: {
    readonly engine: Engine;
    readonly outcome: FinishedRun;
    readonly monitor: RunMonitor;
    readonly seconds: number;
  },
): Promise<void> {
  const { folder, backbone } = options;
  if (readMetrics(folder).length === 0) return;
  const start = performance.now();
  const examines = !outcome.interrupted && examinesRun(plan, options.report);
  if (examines) {
    monitor.note('examining the best weights for the report …');
    try {
      const task = TASKS[plan.config.task];
      const { file, ...weights } = await bestWeights(folder, task.bestMetric);
      const { data } = plan;
      const limit = Math.min(MOST_IMAGES, outcome.evaluationImages ?? MOST_IMAGES);
      const request = { ...dataOptionsOf(plan), data, folder, backbone, limit };
      await examineRun(task, engine, request, { ...weights, atStep: outcome.step });
      monitor.events.pictures(PICTURES, weights.step);
      await monitor.events.histograms(file, weights.step);
    } catch (error) {
      monitor.note(`the report has no findings: ${(error as Error).message}`);
    }
  }
  const result: RunResult = {
    step: outcome.step,
    ended: endOf(outcome),
    learning: outcome.learning?.line,
    overfit: outcome.overfit?.line,
    seconds: {
      training: seconds,
      ...(examines ? { 'findings for this report': (performance.now() - start) / 1000 } : {}),
    },
    cpuSeconds: (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  };
  await writeJsonAtomically(join(folder, RESULT), result);
  monitor.note(`report: ${writeReport(folder)}`);
}

function endOf(outcome: FinishedRun): string {
  const { stoppedEarly, overfit, interrupted, step, cutFrom, cutBySteps } = outcome;
  if (stoppedEarly !== undefined) return overfit ? 'finished' : `stopped early: ${stoppedEarly}`;
  if (interrupted) return 'interrupted';
  if (cutFrom !== undefined) return stoppedAt(step, cutFrom);
  return cutBySteps ? 'stopped by --steps' : 'finished';
}

/** `stopped at step 1,900 of 2,130: its time was over` */
export function stoppedAt(step: number, planned: number): string {
  return `stopped at step ${thousands(step)} of ${thousands(planned)}: its time was over`;
}

/** Fraction of its time that a run uses at least, unless something kept its first steps. */
const LEAST_USED = 0.7;

/** Says that a run with `minutes` ended long before; undefined otherwise. */
export function unusedTime(
  { interrupted, stoppedEarly }: FinishedRun,
  { length, steps, isRestored }: Pick<RunPlan, 'length' | 'steps' | 'isRestored'>,
  seconds: number,
): string | undefined {
  const given = 60 * (length?.minutes ?? 0);
  const isWhole = !interrupted && stoppedEarly === undefined && steps === null && !isRestored;
  if (!isWhole || seconds >= LEAST_USED * given) return undefined;
  return `took ${formatDuration(seconds)} of ${formatDuration(given)}: the first steps, by which the length was chosen, were slower than the rest`;
}

/** Chooses the best checkpoint, or the last one, and whether its weights or their EMA scored better. */
async function bestWeights(
  folder: string,
  metric: string,
): Promise<ExaminedWeights & { readonly file: string }> {
  const checkpoints = join(folder, CHECKPOINTS);
  const best = await readBest(checkpoints);
  const file = best
    ? join(checkpoints, `${best.name}.safetensors`)
    : String((await latestValid(checkpoints)).checkpoint?.file);
  const step = Number(/step-(\d+)/.exec(basename(file))?.[1]);
  if (best?.which !== undefined)
    return { file, step, which: best.which === 'ema' ? 'ema' : 'weights' };
  const value = (which: WhichWeights): number => {
    const record = readMetrics(folder).find(
      (known) => known.kind === 'eval' && known.step === step && known.which === which,
    );
    return record?.kind === 'eval' ? record.metrics[metric] : -Infinity;
  };
  return { file, step, which: value('ema') > value('weights') ? 'ema' : 'weights' };
}
