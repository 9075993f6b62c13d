import { basename } from 'node:path';
import { openEngine } from '../../engine/runtime/engine.js';
import { readMetrics } from '../../report/run-folder.js';
import { writeReport } from '../../report/run-report.js';
import { RESULT, type RunResult } from '../../report/run-result.js';
import { PICTURES } from '../../report/save-picture.js';
import { writeJsonAtomically } from '../../io/files/atomic.js';
import { join } from 'node:path';
import type { RecipeConfig } from '../../train/config/schemas.js';
import { TASKS } from '../../train/tasks/index.js';
import { locateModel } from '../model/locate.js';
import { examineRun, type ExaminedWeights } from '../report/index.js';
import type { TrainingOutcome } from './index.js';
import type { RunMonitor } from './monitor.js';
import type { PlannedRequest } from './plan.js';

/** Images that the report looks at. */
const MOST_IMAGES = 500;

/**
 * Closes a run: notes how it ended, examines the best weights on held-out data where the run is complete, and writes the report.
 * The weights are safe by then, so what fails here is told and does not fail the run.
 */
export async function finishRun(
  request: PlannedRequest,
  outcome: TrainingOutcome,
  monitor: RunMonitor,
  trainingSeconds: number,
): Promise<void> {
  const { out: folder } = request;
  if (readMetrics(folder).length === 0) return;
  const start = performance.now();
  const examines = request.report !== false && !outcome.interrupted;
  if (examines) {
    monitor.note('examining the best weights for the report …');
    try {
      await examine(request, monitor);
    } catch (error) {
      monitor.note(`the report has no findings: ${(error as Error).message}`);
    }
  }
  const result: RunResult = {
    step: outcome.step,
    ended: outcome.stoppedEarly ?? (outcome.interrupted ? 'interrupted' : 'finished'),
    seconds: {
      training: trainingSeconds,
      ...(examines ? { 'findings for this report': (performance.now() - start) / 1000 } : {}),
    },
    cpuSeconds: (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  };
  await writeJsonAtomically(join(folder, RESULT), result);
  monitor.note(`report: ${writeReport(folder)}`);
}

async function examine(request: PlannedRequest, monitor: RunMonitor): Promise<void> {
  const { out: folder, data, seed, plan } = request;
  const located = await locateModel(folder);
  const weights = bestOf(folder, located.file, plan.resolved.config.task);
  await examineRun(
    await openEngine(request.engine),
    located,
    {
      data,
      seed,
      folder,
      valFraction: request.valFraction,
      limit: MOST_IMAGES,
      ema: weights.which === 'ema',
    },
    weights,
  );
  monitor.events.pictures(PICTURES, weights.step);
  await monitor.events.histograms(located.file, weights.step);
}

/** The step of a checkpoint, and whether its weights or their average scored better there. */
function bestOf(folder: string, file: string, task: RecipeConfig['task']): ExaminedWeights {
  const step = Number(/step-(\d+)/.exec(basename(file))?.[1]);
  const metric = TASKS[task].bestMetric;
  const value = (which: 'weights' | 'ema'): number => {
    const record = readMetrics(folder).find(
      (found) => found.kind === 'eval' && found.step === step && found.which === which,
    );
    return record?.kind === 'eval' ? record.metrics[metric] : -Infinity;
  };
  return { step, which: value('ema') > value('weights') ? 'ema' : 'weights' };
}
