import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../io/files/atomic.js';
import { ConfigError, DataError } from '../core/errors.js';
import { startEma } from '../engine/optimizer/ema.js';
import type { Backbone } from '../engine/backbone.js';
import type { Engine } from '../engine/runtime/engine.js';
import { METRICS } from '../io/run-folder.js';
import { checkpointName, markBestRun, saveRun, updateRun, type RunState } from './checkpoints.js';
import type { LoopConfig } from './config/loop.js';
import type { Communicator } from './distributed/communicator.js';
import { shareJson } from './distributed/start.js';
import { evaluateSafely } from './evaluate-safely.js';
import { epochsAt, resumedRule } from './progress.js';
import { Meter } from './meter.js';
import type { LogRecord, RunListener, WhichWeights, WorkAhead } from './log-record.js';
import type { RunLength } from './length/layout.js';
import { Pace, type RequestedLength, type RunObserver, type RunSizes } from './length/pace.js';
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
  /** Length instead of that of the configuration. */
  readonly length?: RequestedLength | undefined;
  /** Called on rank 0 before anything is written; throws if another process has taken the folder over. */
  readonly assertOwned?: (() => void) | undefined;
  /** Minutes after which a checkpoint is saved, wherever the run is; 0 or absent: none by time. */
  readonly checkpointMinutes?: number | undefined;
  /** Processes that train together. */
  readonly communicator: Communicator;
  /** Saves and stops after the current step when aborted. */
  readonly signal?: AbortSignal | undefined;
  readonly listener?: RunListener | undefined;
  /** Receives the length and the losses of every step, on rank 0. */
  readonly observer?: RunObserver | undefined;
  /** Clock in milliseconds, for times that decide; default: that of the process. */
  readonly now?: (() => number) | undefined;
}

export type { RunLength };

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
  /**
   * Evaluates the current parameters or their EMA, on at most `limit` images. Absent without validation data.
   *
   * @param onCard called with the fields of the model card that follow from it
   */
  readonly evaluate?:
    | ((which: WhichWeights, limit?: number, onCard?: (fields: object) => void) => Promise<Scalars>)
    | undefined;
  /** Called after every step of this process. */
  readonly stepped?: (() => Promise<void>) | undefined;
  /** Needed for a requested length. */
  readonly sizes?: RunSizes | undefined;
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
  /** Number of steps that were planned, if the time for them was over before. */
  readonly cutFrom?: number | undefined;
  /** Whether the run was to stop, by `steps`, before its whole length. */
  readonly cutBySteps?: boolean | undefined;
  /** Number of held-out images of an evaluation, if there was not time for all. */
  readonly evaluationImages?: number | undefined;
}

const NO_SIZES: RunSizes = { numImages: 0, numHeldOut: 0, imagesPerStep: 1, numEvaluated: 1 };

/** Number of steps after which several processes compare the time with that of the run. */
const LATENESS_STEPS = 20;

/**
 * Runs the training loop. Every step depends only on seed and position, so a run resumed from any checkpoint gives
 * bit-identical results to an uninterrupted one.
 *
 * @throws WorkError if a loss or gradient is not finite; nothing is updated then, and the last checkpoint is kept
 */
export async function trainLoop<Batch>(
  loop: TrainLoop<Batch>,
  run: Omit<Run, 'engine' | 'seed' | 'resume' | 'maxSteps'>,
): Promise<TrainResult> {
  const { folder, communicator, signal, listener, checkpointMinutes = 0 } = run;
  const { now = () => performance.now() } = run;
  const { trainer, loader, evaluate, buffers, settings, sizes = NO_SIZES } = loop;
  const isFirst = communicator.rank === 0;
  const stepsPerEpoch = Math.floor(loader.numBatches() / settings.accumulation);
  if (stepsPerEpoch === 0) {
    throw new ConfigError(
      `train: expected at least ${settings.accumulation} batches an epoch, got ${loader.numBatches()}; use a smaller batch or accumulation`,
    );
  }
  if (isFirst) makeFolder(folder);
  let step = loop.startStep;
  const { rule, notice } = resumedRule(loop.state.epochs, step, {
    ranks: communicator.size,
    stepsPerEpoch,
  });
  if (notice !== undefined && isFirst) listener?.note?.(notice);
  const pace = new Pace({
    configured: settings,
    rule,
    requested: run.length,
    sizes,
    now,
    restored: loop.state,
    startStep: loop.startStep,
  });
  const observer = isFirst ? run.observer : undefined;
  observer?.planned?.(pace.planned(step));
  let cutFrom: number | undefined;
  let best = loop.state.bestValue;
  let { card } = loop.state;
  let metrics: Scalars | undefined;
  if (step === 0 && buffers.ema) startEma(buffers);
  const meter = new Meter(communicator);
  const record = (entry: LogRecord): void => {
    if (!isFirst) return;
    run.assertOwned?.();
    appendFileSync(join(folder, METRICS), `${JSON.stringify(entry)}\n`);
    listener?.record?.(entry, pace.total, ahead(entry));
  };
  // The evaluation of a step comes after its record.
  const ahead = ({ kind }: LogRecord): WorkAhead =>
    pace.ahead(kind === 'train' ? step - 1 : step, evaluate !== undefined);
  let savedMs = performance.now();
  const stateNow = (awaitsEvaluation: boolean): RunState => {
    const { config, seed } = loop.state;
    return { card, config, seed, bestValue: best, epochs: rule, awaitsEvaluation, ...pace.state() };
  };
  const save = async (awaitsEvaluation = false): Promise<string> => {
    run.assertOwned?.();
    const state = stateNow(awaitsEvaluation);
    const keep = settings.keepCheckpoints;
    const name = await saveRun(folder, trainer.store, buffers, { step, state, keep });
    savedMs = performance.now();
    return name;
  };
  // Monotonic, so that a change of the system clock neither delays nor repeats checkpoints.
  const isTimeDue = (): boolean =>
    checkpointMinutes > 0 && performance.now() - savedMs >= 60_000 * checkpointMinutes;
  const isOver = (): boolean => step >= pace.total || cutFrom !== undefined;
  const evaluates = (): boolean => isOver() || pace.evaluates(step);
  /** @param saved checkpoint of this step, which stands in any case */
  const evaluateNow = async (saved: string | undefined): Promise<void> => {
    if (evaluate && isFirst) {
      const epoch = epochsAt(rule, step);
      let found = best;
      let bestWhich: 'raw' | 'ema' = 'raw';
      for (const which of buffers.ema ? (['weights', 'ema'] as const) : (['weights'] as const)) {
        listener?.waits?.(`evaluating the ${which === 'ema' ? 'EMA' : 'weights'} of step ${step}`);
        const { problem, ...evaluation } = await evaluateSafely(() =>
          evaluate(which, pace.evaluationImages, (fields) => (card = { ...card, ...fields })),
        );
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
        await markBestRun(folder, {
          name: saved,
          metric: settings.bestMetric,
          value: found,
          which: bestWhich,
        });
        best = found;
      }
      run.assertOwned?.();
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
      const Kind = error.constructor as typeof DataError;
      throw new Kind(
        `${error.message} (saved as ${name}: put the data right and go on with resume)`,
        {
          cause: error,
          file: error.file,
          id: error.id,
          flags: { 'with resume)': 'with --resume)' },
        },
      );
    }
  };

  /** Lays the run out for its time, when that of a step is known: once, and then for all processes. */
  const layOutIfDue = async (isMeasured: boolean): Promise<void> => {
    if (pace.isOpen) {
      const score = evaluate && ((limit: number) => evaluate('weights', limit));
      const layout = isFirst && isMeasured ? await pace.layoutNow(step, score) : undefined;
      const decided = await shareJson(communicator, layout);
      if (decided) pace.adopt(decided);
    }
    if (isMeasured) observer?.planned?.(pace.planned(step));
  };
  const isCut = async (): Promise<boolean> => {
    const { size } = communicator;
    if (!pace.isLimited || isOver() || (size > 1 && step % LATENESS_STEPS !== 0)) return false;
    return (await shareJson(communicator, { isLate: pace.isLate }))?.isLate ?? false;
  };

  while (!isOver()) {
    const start = step;
    const epoch = Math.floor(epochsAt(rule, step));
    const first = ((step - rule.origin.step) % stepsPerEpoch) * settings.accumulation;
    const batches = loader.epoch(epoch, first)[Symbol.asyncIterator]();
    const isPaused = (): boolean => isOver() || step >= pace.pauseAfter(start);
    try {
      while (!isPaused()) {
        const lr = pace.rate(step);
        const startMs = now();
        const { losses, norm, isStopping } = await orSave(
          trainStep(loop, batches, { communicator, signal, step, lr, meter }),
        );
        step++;
        await loop.stepped?.();
        await layOutIfDue(pace.measured((now() - startMs) / 1000));
        if (await isCut()) cutFrom = pace.total;
        observer?.stepped?.(step, losses, pace.total, trainer.targets?.());
        if (step % settings.logEvery === 0 || isOver()) {
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
          if (isFirst) await save(isPaused() && evaluates());
          return { step, interrupted: true, metrics, bestValue: best };
        }
        if (isFirst && !isPaused() && (pace.savesAt(step) || isTimeDue())) await save();
      }
    } finally {
      await batches.return?.();
    }
    const isEvaluated = evaluates();
    const isDue = isOver() || pace.savesAt(step) || isTimeDue();
    // Before the evaluation, whose failure or end by a signal then loses nothing.
    const saved = isFirst && isDue ? await save(isEvaluated && evaluate !== undefined) : undefined;
    if (isEvaluated) await evaluateNow(saved);
    meter.restart();
  }
  const { evaluationImages } = pace;
  const cutBySteps = cutFrom === undefined && step < pace.whole;
  const ended = { cutFrom, cutBySteps, evaluationImages };
  return { step, interrupted: false, metrics, bestValue: best, ...ended };
}
