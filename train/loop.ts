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
import type { Communicator } from './distributed/communicator.js';
import { SINGLE_PROCESS } from './distributed/communicator.js';
import { shardOf } from './distributed/shard.js';
import { shareJson } from './distributed/start.js';
import type { StepReport } from './distributed/totals.js';
import { joinReports } from './distributed/totals.js';
import { epochsAt, resumedRule, stepsUntil } from './progress.js';
import { Meter } from './meter.js';
import type { LogRecord, RunSettings } from './run-settings.js';
import { learningRate } from './schedule.js';
import type { BatchSource, Scalars, TrainingTask } from './task.js';

/** What {@link trainLoop} works with. */
export interface TrainLoop<Batch> {
  readonly task: TrainingTask<Batch>;
  readonly source: BatchSource<Batch>;
  readonly buffers: FlatBuffers;
  readonly settings: RunSettings;
  /** Run folder: `metrics.jsonl` and `checkpoints/` go there, written by rank 0. */
  readonly folder: string;
  readonly state: RunState;
  /** Steps done before, from a checkpoint. */
  readonly startStep: number;
  /** Saves and stops after the current step when aborted. */
  readonly signal?: AbortSignal;
  readonly onRecord?: (record: LogRecord) => void;
  /** The processes that train together, each with its part of every batch; one if not given. */
  readonly communicator?: Communicator;
  /** Told what is worth knowing about a resumed run. */
  readonly onNotice?: (line: string) => void;
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
  const { task, source, buffers, settings, communicator = SINGLE_PROCESS } = loop;
  const isFirst = communicator.rank === 0;
  const stepsPerEpoch = Math.floor(source.batchesPerEpoch / settings.accumulation);
  if (stepsPerEpoch === 0) {
    throw new ConfigError(
      `train: expected at least ${settings.accumulation} batches an epoch, got ${source.batchesPerEpoch}; use a smaller batch or accumulation`,
    );
  }
  if (isFirst) mkdirSync(loop.folder, { recursive: true });
  let step = loop.startStep;
  const { rule, notice } = resumedRule(loop.state.epochs, step, {
    ranks: communicator.size,
    stepsPerEpoch,
  });
  if (notice !== undefined && isFirst) loop.onNotice?.(notice);
  const total = Math.min(stepsUntil(rule, settings.epochs), settings.maxSteps ?? Infinity);
  let best = loop.state.bestValue;
  let metrics: Scalars | undefined;
  if (step === 0 && buffers.ema) startEma(buffers);
  const meter = new Meter(communicator);
  const record = (entry: LogRecord): void => {
    if (!isFirst) return;
    appendFileSync(join(loop.folder, 'metrics.jsonl'), `${JSON.stringify(entry)}\n`);
    loop.onRecord?.(entry);
  };
  const save = (): Promise<string> =>
    saveRun(loop.folder, task.store, buffers, {
      step,
      state: { ...loop.state, bestValue: best, epochs: rule },
      keep: settings.keepCheckpoints,
    });

  while (step < total) {
    const epoch = Math.floor(epochsAt(rule, step));
    const first = ((step - rule.origin.step) % stepsPerEpoch) * settings.accumulation;
    const batches = source.epoch(epoch, first)[Symbol.asyncIterator]();
    try {
      const end = Math.min(stepsUntil(rule, epoch + 1), total);
      while (step < end) {
        const lr = learningRate(settings.schedule, { step, epoch: epochsAt(rule, step) });
        const { losses, norm, isStopping } = await oneStep(loop, batches, {
          communicator,
          step,
          lr,
          meter,
        });
        step++;
        if (step % settings.logEvery === 0 || step === total) {
          record({
            kind: 'train',
            step,
            epoch: epochsAt(rule, step),
            lr,
            losses,
            gradientNorm: norm,
            ...meter.read(),
          });
        }
        // One process can still say so after the step.
        if (communicator.size === 1 ? loop.signal?.aborted : isStopping) {
          if (isFirst) await save();
          return { step, interrupted: true, metrics, bestValue: best };
        }
      }
    } finally {
      await batches.return?.();
    }
    const done = epochsAt(rule, step);
    const isLast = step >= total;
    let isBest = false;
    const isEvaluated = isLast || done % settings.evaluateEvery === 0;
    if (task.evaluate && isEvaluated && isFirst) {
      for (const which of buffers.ema ? (['weights', 'ema'] as const) : (['weights'] as const)) {
        metrics = await task.evaluate(which);
        record({ kind: 'eval', step, epoch: done, which, metrics });
        const value = metrics[settings.bestMetric];
        if (value !== undefined && (best === null || value > best)) [best, isBest] = [value, true];
      }
    }
    if (isFirst && (isLast || isBest || done % settings.checkpointEvery === 0)) {
      const name = await save();
      if (isBest && best !== null) await markBestRun(loop.folder, name, settings.bestMetric, best);
    }
    // The others wait for rank 0, however long it takes.
    if (isEvaluated) [best, metrics] = await shared(communicator, best, metrics);
    meter.restart();
  }
  return { step, interrupted: false, metrics, bestValue: best };
}

/** What rank 0 found out, on every rank. */
async function shared(
  communicator: Communicator,
  best: number | null,
  metrics: Scalars | undefined,
): Promise<[number | null, Scalars | undefined]> {
  const found = await shareJson(communicator, { best, metrics });
  return [found?.best ?? null, found?.metrics];
}

interface StepContext {
  readonly communicator: Communicator;
  readonly step: number;
  readonly lr: number;
  readonly meter: Meter;
}

/** Gradients of all micro-batches and ranks, checks, clipping, update, average. */
async function oneStep<Batch>(
  { task, buffers, settings, signal }: TrainLoop<Batch>,
  batches: AsyncIterator<Batch>,
  { communicator, step, lr, meter }: StepContext,
): Promise<StepReport & { readonly norm: number }> {
  const shard = shardOf(communicator);
  let numImages = 0;
  const sums: Record<string, number> = {};
  const names: string[] = [];
  const { accumulation } = settings;
  const next = async (): Promise<Batch> => {
    const { done, value } = await meter.waiting(batches.next());
    if (done)
      throw new WorkError(`train: expected another batch at step ${step}, got the end of the data`);
    return value;
  };
  const take = (batch: Batch, losses: Scalars): void => {
    for (const [term, value] of Object.entries(losses))
      sums[term] = (sums[term] ?? 0) + value / accumulation;
    names.push(task.describe(batch));
    numImages += task.numImages(batch);
  };
  if (task.backwardTogether) {
    const all: Batch[] = [];
    while (all.length < accumulation) all.push(await next());
    const losses = await task.backwardTogether(all, { step, shard });
    all.forEach((batch, i) => take(batch, losses[i]));
  } else
    for (let micro = 0; micro < accumulation; micro++) {
      const batch = await next();
      take(batch, await task.backward(batch, { step, micro, shard }));
      if (accumulation > 1) accumulateGradients(buffers, { index: micro, count: accumulation });
    }
  // Here, where the images are known, and not when it has spread to all ranks.
  assertFinite(sums, step, names);
  const isStopping = signal?.aborted ?? false;
  const report = await joinReports(communicator, { losses: sums, numImages, isStopping });
  meter.images += report.numImages;
  await communicator.allReduceSum(buffers.gradients, { what: 'gradients' });
  const { size } = communicator;
  const norm = gradientNorm(buffers) / size;
  assertFinite({ 'gradient norm': norm }, step, names);
  const gradientScale =
    (settings.clipNorm === null ? 1 : clipScale({ norm, maxNorm: settings.clipNorm })) / size;
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
  return { ...report, norm };
}

function assertFinite(values: Scalars, step: number, images: readonly string[]): void {
  const bad = Object.entries(values).filter(([, value]) => !Number.isFinite(value));
  if (bad.length === 0) return;
  const terms = bad.map(([term, value]) => `${term} = ${value}`).join(', ');
  throw new WorkError(
    `train: step ${step}: expected finite losses and gradients, got ${terms} on ${images.join('; ')}; ` +
      'the last checkpoint is unchanged: lower the learning rate or set clipNorm',
  );
}
