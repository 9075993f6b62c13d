import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, WorkError } from '../core/errors.js';
import { adamW } from '../engine/optimizer/adam-w.js';
import { startEma, updateEma } from '../engine/optimizer/ema.js';
import type { FlatBuffers } from '../engine/optimizer/flat-buffers.js';
import { accumulateGradients, clipScale, gradientNorm } from '../engine/optimizer/gradients.js';
import { sgd } from '../engine/optimizer/sgd.js';
import type { RunState } from './checkpoints.js';
import { markBestRun, saveRun } from './checkpoints.js';
import type { LogRecord, RunSettings } from './run-settings.js';
import { learningRate } from './schedule.js';
import type { BatchSource, Scalars, TrainingTask } from './task.js';

/** What {@link trainLoop} works with. */
export interface TrainLoop<Batch> {
  readonly task: TrainingTask<Batch>;
  readonly source: BatchSource<Batch>;
  readonly buffers: FlatBuffers;
  readonly settings: RunSettings;
  /** Run folder: `metrics.jsonl` and `checkpoints/` go there. */
  readonly folder: string;
  readonly state: RunState;
  /** Steps done before, from a checkpoint. */
  readonly startStep: number;
  /** Saves and stops after the current step when aborted. */
  readonly signal?: AbortSignal;
  readonly onRecord?: (record: LogRecord) => void;
}

/** How a run ended. */
export interface TrainResult {
  readonly step: number;
  readonly interrupted: boolean;
  readonly metrics: Scalars | undefined;
  readonly bestValue: number | null;
}

/**
 * Trains: every step draws its data from seed and position alone, so a run that is resumed from any checkpoint ends
 * bit-equal to one that was not interrupted.
 *
 * @throws WorkError if a loss or gradient is not finite: nothing is updated then and the last checkpoint stands
 */
export async function trainLoop<Batch>(loop: TrainLoop<Batch>): Promise<TrainResult> {
  const { task, source, buffers, settings, signal } = loop;
  const stepsPerEpoch = Math.floor(source.batchesPerEpoch / settings.accumulation);
  if (stepsPerEpoch === 0) {
    throw new ConfigError(
      `train: expected at least ${settings.accumulation} batches an epoch, got ${source.batchesPerEpoch}; use a smaller batch or accumulation`,
    );
  }
  mkdirSync(loop.folder, { recursive: true });
  const total = Math.min(settings.epochs * stepsPerEpoch, settings.maxSteps ?? Infinity);
  let step = loop.startStep;
  let best = loop.state.bestValue;
  let metrics: Scalars | undefined;
  if (step === 0 && buffers.ema) startEma(buffers);
  const meter = new Meter();
  const record = (entry: LogRecord): void => {
    appendFileSync(join(loop.folder, 'metrics.jsonl'), `${JSON.stringify(entry)}\n`);
    loop.onRecord?.(entry);
  };
  const save = (): Promise<string> =>
    saveRun(loop.folder, task.store, buffers, {
      step,
      state: { ...loop.state, bestValue: best },
      keep: settings.keepCheckpoints,
    });

  while (step < total) {
    const epoch = Math.floor(step / stepsPerEpoch);
    const first = (step % stepsPerEpoch) * settings.accumulation;
    const batches = source.epoch(epoch, first)[Symbol.asyncIterator]();
    try {
      const end = Math.min((epoch + 1) * stepsPerEpoch, total);
      while (step < end) {
        const lr = learningRate(settings.schedule, { step, epoch: step / stepsPerEpoch });
        const { losses, norm } = await oneStep(loop, batches, { step, lr, meter });
        step++;
        if (step % settings.logEvery === 0 || step === total) {
          record({
            kind: 'train',
            step,
            epoch: step / stepsPerEpoch,
            lr,
            losses,
            gradientNorm: norm,
            ...meter.read(),
          });
        }
        if (signal?.aborted) {
          await save();
          return { step, interrupted: true, metrics, bestValue: best };
        }
      }
    } finally {
      await batches.return?.();
    }
    const done = step / stepsPerEpoch;
    const isLast = step >= total;
    let isBest = false;
    if (task.evaluate && (isLast || done % settings.evaluateEvery === 0)) {
      for (const which of buffers.ema ? (['weights', 'ema'] as const) : (['weights'] as const)) {
        metrics = await task.evaluate(which);
        record({ kind: 'eval', step, epoch: done, which, metrics });
        const value = metrics[settings.bestMetric];
        if (value !== undefined && (best === null || value > best)) [best, isBest] = [value, true];
      }
    }
    if (isLast || isBest || done % settings.checkpointEvery === 0) {
      const name = await save();
      if (isBest && best !== null) await markBestRun(loop.folder, name, settings.bestMetric, best);
    }
    meter.restart();
  }
  return { step, interrupted: false, metrics, bestValue: best };
}

interface StepContext {
  readonly step: number;
  readonly lr: number;
  readonly meter: Meter;
}

/** Gradients of all micro-batches, checks, clipping, update, average. */
async function oneStep<Batch>(
  { task, buffers, settings }: TrainLoop<Batch>,
  batches: AsyncIterator<Batch>,
  { step, lr, meter }: StepContext,
): Promise<{ readonly losses: Scalars; readonly norm: number }> {
  const sums: Record<string, number> = {};
  const names: string[] = [];
  for (let micro = 0; micro < settings.accumulation; micro++) {
    const next = await meter.waiting(batches.next());
    if (next.done)
      throw new WorkError(`train: expected another batch at step ${step}, got the end of the data`);
    const losses = await task.backward(next.value, { step, micro });
    for (const [term, value] of Object.entries(losses))
      sums[term] = (sums[term] ?? 0) + value / settings.accumulation;
    names.push(task.describe(next.value));
    meter.images += task.numImages(next.value);
    if (settings.accumulation > 1)
      accumulateGradients(buffers, { index: micro, count: settings.accumulation });
  }
  const norm = gradientNorm(buffers);
  assertFinite(sums, norm, step, names);
  const gradientScale =
    settings.clipNorm === null ? 1 : clipScale({ norm, maxNorm: settings.clipNorm });
  const { optimizer, parameterRuns } = settings;
  switch (optimizer.kind) {
    case 'adamw':
      adamW(buffers, parameterRuns, {
        lr,
        betas: optimizer.betas,
        eps: optimizer.eps,
        step: step + 1,
        gradientScale,
      });
      break;
    case 'sgd':
      sgd(buffers, parameterRuns, {
        lr,
        momentum: optimizer.momentum,
        nesterov: optimizer.nesterov,
        gradientScale,
      });
      break;
    default:
      optimizer satisfies never;
  }
  if (settings.emaDecay !== null) updateEma(buffers, settings.emaDecay);
  return { losses: sums, norm };
}

function assertFinite(
  losses: Scalars,
  norm: number,
  step: number,
  images: readonly string[],
): void {
  const bad = Object.entries({ ...losses, 'gradient norm': norm }).filter(
    ([, value]) => !Number.isFinite(value),
  );
  if (bad.length === 0) return;
  const terms = bad.map(([term, value]) => `${term} = ${value}`).join(', ');
  throw new WorkError(
    `train: step ${step}: expected finite losses and gradients, got ${terms} on ${images.join('; ')}; ` +
      'the last checkpoint is unchanged: lower the learning rate or set clipNorm',
  );
}

/** Rates since the last log line. */
class Meter {
  images = 0;
  private waitMs = 0;
  private since = performance.now();

  async waiting<T>(promise: Promise<T>): Promise<T> {
    const start = performance.now();
    const value = await promise;
    this.waitMs += performance.now() - start;
    return value;
  }

  read(): {
    readonly imagesPerSecond: number;
    readonly dataWait: number;
    readonly rssBytes: number;
  } {
    const elapsedMs = performance.now() - this.since;
    const rates = {
      imagesPerSecond: (1000 * this.images) / elapsedMs,
      dataWait: this.waitMs / elapsedMs,
      rssBytes: process.memoryUsage.rss(),
    };
    this.restart();
    return rates;
  }

  restart(): void {
    this.images = 0;
    this.waitMs = 0;
    this.since = performance.now();
  }
}
