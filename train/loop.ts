import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, DataError } from '../core/errors.js';
import { startEma } from '../engine/optimizer/ema.js';
import type { Backbone } from '../engine/backbone.js';
import type { Engine } from '../engine/runtime/engine.js';
import { METRICS } from '../report/run-folder.js';
import { CHECKPOINTS, markBest } from '../weights/checkpoint-folder.js';
import { checkpointName, saveRun, updateRun, type RunState } from './checkpoints.js';
import type { LoopConfig } from './config/loop.js';
import type { Communicator } from './distributed/communicator.js';
import { shareJson } from './distributed/start.js';
import { evaluateSafely } from './evaluate-safely.js';
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
  /** Minutes after which a checkpoint is saved, wherever the run is; 0 or absent: none by time. */
  readonly checkpointMinutes?: number | undefined;
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
  /** Number of steps between checkpoints, also inside an epoch. */
  readonly checkpointEverySteps?: number | undefined;
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
  run: Pick<Run, 'folder' | 'communicator' | 'signal' | 'listener' | 'checkpointMinutes'>,
): Promise<TrainResult> {
  const { folder, communicator, signal, listener, checkpointMinutes = 0 } = run;
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
  let savedMs = performance.now();
  const stateNow = (awaitsEvaluation: boolean): RunState => {
    return { ...loop.state, bestValue: best, epochs: rule, awaitsEvaluation };
  };
  const save = async (awaitsEvaluation = false): Promise<string> => {
    const state = stateNow(awaitsEvaluation);
    const keep = settings.keepCheckpoints;
    const name = await saveRun(folder, trainer.store, buffers, { step, state, keep });
    savedMs = performance.now();
    return name;
  };
  // Monotonic, so that a change of the system clock neither delays nor repeats checkpoints.
  const isTimeDue = (): boolean =>
    checkpointMinutes > 0 && performance.now() - savedMs >= 60_000 * checkpointMinutes;
  const isStepDue = (): boolean =>
    settings.checkpointEverySteps !== undefined && step % settings.checkpointEverySteps === 0;
  const evaluates = (): boolean =>
    step >= total || epochsAt(rule, step) % settings.evaluateEvery === 0;
  /** @param saved checkpoint of this step, which stands in any case */
  const evaluateNow = async (saved: string | undefined): Promise<void> => {
    if (evaluate && isFirst) {
      const epoch = epochsAt(rule, step);
      let found = best;
      let bestWhich: 'raw' | 'ema' = 'raw';
      for (const which of buffers.ema ? (['weights', 'ema'] as const) : (['weights'] as const)) {
        const { problem, ...evaluation } = await evaluateSafely(() => evaluate(which));
        ({ metrics } = evaluation);
        record({ kind: 'eval', step, epoch, which, metrics, problem });
        if (problem !== undefined)
          listener?.note?.(`warning: evaluation at step ${step} (${which}): ${problem}`);
        const value = metrics[settings.bestMetric];
        if (value !== undefined && (found === null || value > found))
          [found, bestWhich] = [value, which === 'ema' ? 'ema' : 'raw'];
      }
      if (found !== null && found !== best) {
        // Until the mark is written, the checkpoint says that its evaluation is to be repeated.
        saved ??= await save(true);
        await markBest(join(folder, CHECKPOINTS), {
          ...{ name: saved, metric: settings.bestMetric, value: found, which: bestWhich },
        });
        best = found;
      }
      if (saved !== undefined) await updateRun(folder, saved, stateNow(false));
    }
    // The others wait for rank 0 without timeout.
    const known = await shareJson(communicator, { best, metrics });
    [best, metrics] = [known?.best ?? null, known?.metrics];
  };
  if (loop.state.awaitsEvaluation === true && evaluate) await evaluateNow(checkpointName(step));

  /** Saves the run if an image or label turns out to be damaged, so that the steps done so far are not lost. */
  const orSave = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof DataError) || !isFirst || step === loop.startStep) throw error;
      const name = await save();
      throw new DataError(
        `${error.message} (saved as ${name}: put the data right and go on with --resume)`,
        { cause: error, file: error.file, id: error.id },
      );
    }
  };

  while (step < total) {
    const epoch = Math.floor(epochsAt(rule, step));
    const first = ((step - rule.origin.step) % stepsPerEpoch) * settings.accumulation;
    const batches = loader.epoch(epoch, first)[Symbol.asyncIterator]();
    const end = Math.min(stepsUntil(rule, epoch + 1), total);
    try {
      while (step < end) {
        const lr = learningRate(settings.schedule, { step, epoch: epochsAt(rule, step) });
        const { losses, norm, isStopping } = await orSave(
          trainStep(loop, batches, { ...{ communicator, signal, step, lr, meter } }),
        );
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
          if (isFirst) await save(step === end && evaluates());
          return { step, interrupted: true, metrics, bestValue: best };
        }
        if (isFirst && step < end && (isStepDue() || isTimeDue())) await save();
      }
    } finally {
      await batches.return?.();
    }
    const isEvaluated = evaluates();
    const isDue =
      step >= total ||
      epochsAt(rule, step) % settings.checkpointEvery === 0 ||
      isStepDue() ||
      isTimeDue();
    // Before the evaluation, whose failure or end by a signal then loses nothing.
    const saved = isFirst && isDue ? await save(isEvaluated && evaluate !== undefined) : undefined;
    if (isEvaluated) await evaluateNow(saved);
    meter.restart();
  }
  return { step, interrupted: false, metrics, bestValue: best };
}
