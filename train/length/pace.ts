import type { TargetCounts } from '../data-facts.js';
import { epochsAt, stepsUntil, type EpochRule } from '../progress.js';
import type { WorkAhead } from '../log-record.js';
import { stepsOfRule, type LengthRule } from '../recipes/own-data.js';
import { learningRate, type Schedule } from '../schedule.js';
import type { Scalars } from '../trainer.js';
import {
  affordableEvaluations,
  EVALUATED_IMAGE,
  laidOutSchedule,
  layOut,
  provisionalRate,
  type KeptSettings,
  type RunLayout,
  type RunLength,
} from './layout.js';
import { StepTimes, type StepTimesState } from './step-times.js';
import { divideTime, timeEvaluation, type Clock, type TimeBudget } from './time-budget.js';

/** Length that a run is to have instead of that of its configuration. */
export interface RequestedLength {
  readonly by:
    | ({ readonly kind: 'minutes' } & TimeBudget)
    | { readonly kind: 'epochs'; readonly epochs: number }
    | { readonly kind: 'rule'; readonly rule: LengthRule };
  readonly kept: KeptSettings;
  /** Layout of the run that is resumed or repeated, if it was made. */
  readonly layout?: RunLayout | undefined;
  /** Number of steps of training before the first step, if it was decided by time. */
  readonly stepsBefore?: number | undefined;
}

/**
 * Computes the number of steps of a run, as far as it is known before it starts.
 *
 * @param configured length of the configuration
 * @returns infinity for a run that has to end in time
 */
export function requestedSteps(
  requested: RequestedLength | undefined,
  configured: Pick<RunLength, 'epochs'>,
  stepsPerEpoch: number,
): number {
  switch (requested?.by.kind) {
    case 'minutes':
      return Infinity;
    case 'epochs':
      return Math.ceil(requested.by.epochs * stepsPerEpoch);
    case 'rule':
      return stepsOfRule(requested.by.rule, stepsPerEpoch);
    default:
      return configured.epochs * stepsPerEpoch;
  }
}

/** Sizes that a length depends on. */
export interface RunSizes {
  readonly numImages: number;
  /** Number of held-out images; 0 without evaluation. */
  readonly numHeldOut: number;
  /** Number of images of an update, over all processes. */
  readonly imagesPerStep: number;
  /** Number of weights that an evaluation scores: 2 with an EMA. */
  readonly numEvaluated: number;
}

/** Length of a run, as far as it is known. */
export interface PlannedLength {
  /** Number of steps, with those done before; undefined until it is laid out. */
  readonly steps: number | undefined;
  readonly layout: RunLayout | undefined;
  /** Measured, or undefined. */
  readonly secondsPerStep: number | undefined;
  /** Number of steps done. */
  readonly done: number;
}

/** Receiver of what a run plans and does. */
export interface RunObserver {
  /** Called first with the number of steps of training before the first step, for a run that has to end in time. */
  warmedUp?(steps: number): void;
  /** Called before the first step, when the run is laid out for a time, and when the time of a step is known. */
  planned?(length: PlannedLength): void;
  /** Called after every step. @param totalSteps infinite until the run is laid out */
  stepped?(
    step: number,
    losses: Scalars,
    totalSteps: number,
    targets?: readonly TargetCounts[],
  ): void;
}

/** State of the length in checkpoints. */
interface PaceState {
  readonly layout?: RunLayout | undefined;
  readonly stepTimes?: StepTimesState | undefined;
}

/** Arguments of a {@link Pace}. */
interface PaceOptions {
  readonly configured: RunLength;
  readonly rule: EpochRule;
  readonly requested: RequestedLength | undefined;
  readonly sizes: RunSizes;
  /** State of a resumed run. */
  readonly restored: PaceState;
  readonly startStep: number;
  readonly now: Clock;
}

/** Budget in seconds by which the time of a step is measured where there is none. */
const ESTIMATE_SECONDS = 160;

/** Length of a run: learning rates, evaluations, checkpoints and end, as configured or as laid out. */
export class Pace {
  private readonly times: StepTimes;
  private laidOut: RunLayout | undefined;
  private isMeasured = false;
  private deadlineMs = Infinity;
  /** End of the time of the run, evaluation and report included. */
  private endMs = Infinity;
  private schedule: Schedule;

  constructor(private readonly options: PaceOptions) {
    const { configured, requested, restored } = options;
    this.times = new StepTimes(restored.stepTimes);
    this.laidOut = restored.layout ?? requested?.layout ?? this.knownLayout();
    this.schedule = this.laidOut ? laidOutSchedule(configured, this.laidOut) : configured.schedule;
  }

  /** Layout, once it is made; undefined for a run of configured length. */
  get layout(): RunLayout | undefined {
    return this.laidOut;
  }

  /** Whether the length is still to be laid out for a time. */
  get isOpen(): boolean {
    return this.laidOut === undefined && this.options.requested?.by.kind === 'minutes';
  }

  /** Number of steps of the whole run, wherever it is to stop; infinite until it is laid out. */
  get whole(): number {
    const { configured, rule } = this.options;
    return this.laidOut?.steps ?? (this.isOpen ? Infinity : stepsUntil(rule, configured.epochs));
  }

  /** Number of steps of the run, or those after which it is to stop; infinite until it is laid out. */
  get total(): number {
    return Math.min(this.whole, this.options.configured.maxSteps ?? Infinity);
  }

  /** Whether the run ends with its time. A resumed or repeated run takes all steps of its layout instead. */
  get isLimited(): boolean {
    const { requested, startStep } = this.options;
    const isTimed = requested?.by.kind === 'minutes' && requested.layout === undefined;
    return isTimed && startStep === 0 && this.laidOut !== undefined;
  }

  /** Whether another step would be too late. */
  get isLate(): boolean {
    return this.options.now() > this.deadlineMs;
  }

  /** Number of held-out images of an evaluation; undefined: all. */
  get evaluationImages(): number | undefined {
    return this.laidOut?.evaluationImages ?? undefined;
  }

  /** Learning rate of a step, before the factors of parameters. */
  rate(step: number): number {
    const { rule, configured } = this.options;
    if (this.isOpen || step < (this.laidOut?.decidedAt ?? 0))
      return provisionalRate(configured.schedule, step, rule.stepsPerEpoch);
    const epoch = this.laidOut ? step : epochsAt(rule, step);
    return learningRate(this.schedule, { step, epoch });
  }

  /** Evaluations that are left at the end of a step and of its evaluation. */
  ahead(step: number, isEvaluated: boolean): WorkAhead {
    const { rule, configured, sizes } = this.options;
    const images = Math.min(sizes.numHeldOut, this.evaluationImages ?? Infinity);
    const cost = (EVALUATED_IMAGE * images * sizes.numEvaluated) / sizes.imagesPerStep;
    const every = this.laidOut?.evaluateEverySteps ?? configured.evaluateEvery * rule.stepsPerEpoch;
    const origin = this.laidOut ? 0 : rule.origin.step;
    const number = (at: number): number => Math.floor((at - origin) / every);
    const isLast = (this.total - origin) % every !== 0;
    const left = number(this.total) - number(step) + (isLast ? 1 : 0);
    const evaluations = isEvaluated && Number.isFinite(left) ? Math.max(0, left) : 0;
    const secondsAtMost = this.isLimited ? (this.endMs - this.options.now()) / 1000 : Infinity;
    return {
      evaluations,
      stepsOfEvaluation: Number.isFinite(cost) ? cost : 0,
      ...(Number.isFinite(secondsAtMost) && { secondsAtMost }),
    };
  }

  /** Whether the run is evaluated after so many steps. */
  evaluates(step: number): boolean {
    const { rule, configured } = this.options;
    if (step >= this.total) return true;
    if (this.isOpen || step <= (this.laidOut?.decidedAt ?? 0)) return false;
    return this.laidOut
      ? step % this.laidOut.evaluateEverySteps === 0
      : epochsAt(rule, step) % configured.evaluateEvery === 0;
  }

  /** Whether a checkpoint is due by the number of steps; those of epochs are due at their ends. */
  savesAt(step: number): boolean {
    const { rule, configured } = this.options;
    if (this.laidOut) return step % this.laidOut.checkpointEverySteps === 0;
    const { checkpointEvery, checkpointEverySteps = Infinity } = configured;
    return step % checkpointEverySteps === 0 || epochsAt(rule, step) % checkpointEvery === 0;
  }

  /** First step after `step` at which an epoch ends or an evaluation is due. */
  pauseAfter(step: number): number {
    const { rule } = this.options;
    const epoch = Math.floor(epochsAt(rule, step));
    const every = this.laidOut?.evaluateEverySteps ?? Infinity;
    const evaluation = (Math.floor(step / every) + 1) * every;
    const next = Number.isNaN(evaluation) ? Infinity : evaluation;
    return Math.min(stepsUntil(rule, epoch + 1), this.total, next);
  }

  /**
   * Counts the time of a step.
   *
   * @returns whether the time of a step is known now: once, and for a run that is still to be laid out the moment for it
   */
  measured(seconds: number): boolean {
    const { requested } = this.options;
    if (this.isMeasured) return false;
    this.times.add(seconds);
    const minutes = requested?.by.kind === 'minutes' ? requested.by.minutes : undefined;
    const budget = this.isOpen && minutes !== undefined ? 60 * minutes : ESTIMATE_SECONDS;
    this.isMeasured = this.times.isEnough(budget);
    return this.isMeasured;
  }

  /**
   * Lays a run out for its time after so many steps.
   *
   * @param evaluate evaluates a number of images, which is timed
   */
  async layoutNow(
    step: number,
    evaluate: ((limit: number) => Promise<unknown>) | undefined,
  ): Promise<RunLayout> {
    const { configured, rule, requested, sizes, now } = this.options;
    const { numHeldOut } = sizes;
    const isEvaluated = evaluate !== undefined && numHeldOut > 0;
    const evaluation = isEvaluated ? await timeEvaluation(evaluate, numHeldOut, now) : undefined;
    if (requested?.by.kind !== 'minutes') throw new TypeError('layoutNow: expected a time budget');
    const secondsPerStep = this.times.mean();
    // The steps of earlier sessions are part of the time, but not the pause between.
    const startMs = requested.by.startMs - 1000 * this.times.secondsBefore;
    const budget = { ...requested.by, startMs };
    const { deadlineMs, ...divided } = divideTime(budget, {
      step,
      nowMs: now(),
      secondsPerStep,
      evaluation,
      ...sizes,
    });
    this.deadlineMs = deadlineMs;
    this.endMs = startMs + 60_000 * budget.minutes;
    const basis = { by: 'minutes', ...divided, decidedAt: step, secondsPerStep } as const;
    return layOut(basis, configured, { ...rule, kept: requested.kept });
  }

  /** Keeps a layout, which another process may have made. */
  adopt(layout: RunLayout): void {
    this.laidOut = layout;
    this.schedule = laidOutSchedule(this.options.configured, layout);
  }

  /** State for a checkpoint. */
  state(): PaceState {
    if (this.laidOut) return { layout: this.laidOut };
    return this.isOpen ? { stepTimes: this.times.state() } : {};
  }

  /** Returns the length as far as it is known after so many steps. */
  planned(done: number): PlannedLength {
    return {
      steps: this.isOpen ? undefined : this.total,
      layout: this.laidOut,
      secondsPerStep: this.isMeasured ? this.times.mean() : undefined,
      done,
    };
  }

  /** Layout of a length that does not depend on time. */
  private knownLayout(): RunLayout | undefined {
    const { configured, requested, rule, sizes } = this.options;
    if (!requested || requested.by.kind === 'minutes') return undefined;
    const { by, kept } = requested;
    const steps =
      by.kind === 'epochs'
        ? Math.max(1, Math.round(by.epochs * rule.stepsPerEpoch))
        : stepsOfRule(by.rule, sizes.numImages / sizes.imagesPerStep);
    const evaluations = affordableEvaluations(
      steps * sizes.imagesPerStep,
      sizes.numHeldOut * sizes.numEvaluated,
    );
    return layOut({ by: by.kind, steps, evaluations }, configured, { ...rule, kept });
  }
}
