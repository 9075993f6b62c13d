import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../core/errors.js';
import { startEma } from '../engine/optimizer/ema.js';
import type { Backbone } from '../engine/backbone.js';
import type { Engine } from '../engine/runtime/engine.js';
import { METRICS } from '../report/run-folder.js';
import { CHECKPOINTS, markBest } from '../weights/checkpoint-folder.js';
import { saveRun, type RunState } from './checkpoints.js';
import type { LoopConfig } from './config/loop.js';
import type { Communicator } from './distributed/communicator.js';
import { shareJson } from './distributed/start.js';
import { epochsAt, resumedRule, stepsUntil } from './progress.js';
import { Meter } from './meter.js';
import type { LogRecord, RunListener, WhichWeights } from './log-record.js';
import { learningRate, type Schedule } from './schedule.js';
import { trainStep, type StepModel, type StepSettings } from './step.js';
import type { BatchSource, Scalars } from './trainer.js';

/** Settings of a run of any task besides configuration and data. */
export interface Run {
  readonly engine: Engine;
  /** Run folder. */
  readonly folder: string;
  readonly seed: number;
  /** Replaces the configuration's backbone. */
  readonly backbone?: Backbone | undefined;
  /** Initial weights. */
  readonly weights?: string | undefined;
  /** Whether to resume from the newest checkpoint of the folder. */
  readonly resume: boolean;
  /** Number of steps after which to stop. */
  readonly maxSteps: number | null;
  /** Processes that train together. */
  readonly communicator: Communicator;
  /** Saves and stops after the current step when aborted. */
  readonly signal?: AbortSignal | undefined;
  readonly listener?: RunListener | undefined;
}

/** Task-specific length and intervals of a run. */
export interface RunLength {
  readonly schedule: Schedule;
  readonly epochs: number;
  /** Number of epochs between evaluations; the last epoch is always evaluated. */
  readonly evaluateEvery: number;
  /** Number of epochs between checkpoints. In addition, one is saved at the end and on interruption. */
  readonly checkpointEvery: number;
  /** Number of steps after which to stop. */
  readonly maxSteps?: number | undefined;
}

/** Length, intervals and limits of training. */
export interface RunSettings
  extends StepSettings, Pick<LoopConfig, 'logEvery' | 'keepCheckpoints'>, RunLength {
  /** The metric whose highest value marks the best checkpoint. */
  readonly bestMetric: string;
}

/** State of training: model, data and settings, ready for the next step. */
interface TrainLoop<Batch> extends StepModel<Batch> {
  readonly loader: BatchSource<Batch>;
  readonly settings: RunSettings;
  /** Evaluates the current parameters or their EMA. Absent without validation data. */
  readonly evaluate?: ((which: WhichWeights) => Promise<Scalars>) | undefined;
  readonly state: RunState;
  /** Number of steps done before, from a checkpoint. */
  readonly startStep: number;
}

/** Outcome of a run. */
export interface TrainResult {
  readonly step: number;
  readonly interrupted: boolean;
  readonly metrics: Scalars | undefined;
  readonly bestValue: number | null;
}

/**
 * Runs the training loop. Every step depends only on seed and position, so a run resumed from any checkpoint gives
 * bit-identical results to an uninterrupted one.
 *
 * @throws WorkError if a loss or gradient is not finite; nothing is updated then, and the last checkpoint is kept
 */
export async function trainLoop<Batch>(
  loop: TrainLoop<Batch>,
  {
    folder,
    communicator,
    signal,
    listener,
  }: Pick<Run, 'folder' | 'communicator' | 'signal' | 'listener'>,
): Promise<TrainResult> {
  const { trainer, loader, evaluate, buffers, settings } = loop;
  const isFirst = communicator.rank === 0;
  const stepsPerEpoch = Math.floor(loader.numBatches() / settings.accumulation);
  if (stepsPerEpoch === 0) {
    throw new ConfigError(
      `train: expected at least ${settings.accumulation} batches an epoch, got ${loader.numBatches()}; use a smaller batch or accumulation`,
    );
  }
  if (isFirst) mkdirSync(folder, { recursive: true });
  let step = loop.startStep;
  const { rule, notice } = resumedRule(loop.state.epochs, step, {
    ranks: communicator.size,
    stepsPerEpoch,
  });
  if (notice !== undefined && isFirst) listener?.note?.(notice);
  const total = Math.min(stepsUntil(rule, settings.epochs), settings.maxSteps ?? Infinity);
  let best = loop.state.bestValue;
  let metrics: Scalars | undefined;
  if (step === 0 && buffers.ema) startEma(buffers);
  const meter = new Meter(communicator);
  const record = (entry: LogRecord): void => {
    if (!isFirst) return;
    appendFileSync(join(folder, METRICS), `${JSON.stringify(entry)}\n`);
    listener?.record?.(entry, total);
  };
  const save = (): Promise<string> =>
    saveRun(folder, trainer.store, buffers, {
      step,
      state: { ...loop.state, bestValue: best, epochs: rule },
      keep: settings.keepCheckpoints,
    });

  while (step < total) {
    const epoch = Math.floor(epochsAt(rule, step));
    const first = ((step - rule.origin.step) % stepsPerEpoch) * settings.accumulation;
    const batches = loader.epoch(epoch, first)[Symbol.asyncIterator]();
    try {
      const end = Math.min(stepsUntil(rule, epoch + 1), total);
      while (step < end) {
        const lr = learningRate(settings.schedule, { step, epoch: epochsAt(rule, step) });
        const { losses, norm, isStopping } = await trainStep(loop, batches, {
          ...{ communicator, signal, step, lr, meter },
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
        // A single process can still decide after the step.
        if (communicator.size === 1 ? signal?.aborted : isStopping) {
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
    let bestWhich: WhichWeights = 'weights';
    const isEvaluated = isLast || done % settings.evaluateEvery === 0;
    if (evaluate && isEvaluated && isFirst) {
      for (const which of buffers.ema ? (['weights', 'ema'] as const) : (['weights'] as const)) {
        metrics = await evaluate(which);
        record({ kind: 'eval', step, epoch: done, which, metrics });
        const value = metrics[settings.bestMetric];
        if (value !== undefined && (best === null || value > best))
          [best, isBest, bestWhich] = [value, true, which];
      }
    }
    if (isFirst && (isLast || isBest || done % settings.checkpointEvery === 0)) {
      const name = await save();
      if (isBest && best !== null) {
        const which = bestWhich === 'ema' ? 'ema' : 'raw';
        const mark = { name, metric: settings.bestMetric, value: best, which } as const;
        await markBest(join(folder, CHECKPOINTS), mark);
      }
    }
    // The others wait for rank 0 without timeout.
    if (isEvaluated) {
      const known = await shareJson(communicator, { best, metrics });
      [best, metrics] = [known?.best ?? null, known?.metrics];
    }
    meter.restart();
  }
  return { step, interrupted: false, metrics, bestValue: best };
}
