import { formatDuration } from '../core/duration.js';
import { counted, type DataFacts, type TargetCounts } from './data-facts.js';
import { LearningMonitor, type EarlyVerdict } from './early-verdict.js';
import type { RunLayout } from './length/layout.js';
import type { PlannedLength, RunObserver } from './length/pace.js';
import type { LogRecord, RunListener } from './log-record.js';
import type { Scalars } from './trainer.js';

/** Options of a {@link RunNarrator}. */
interface NarratorOptions {
  readonly facts: DataFacts;
  /** Name of the score of an evaluation. */
  readonly metric: string;
  /** `--minutes`, if given. */
  readonly minutes: number | undefined;
  readonly note: (line: string) => void;
  /** Called with the layout of the run, the moment it is known. */
  readonly onLayout: (layout: RunLayout) => void;
  /** Called with the number of steps of training before the first step, if it was decided by time. */
  readonly onStepsBefore?: ((steps: number) => void) | undefined;
}

/** Says how long a run takes before it starts and when that is measured, and after a tenth of it whether it learns. */
export class RunNarrator implements RunObserver, Pick<RunListener, 'record'> {
  /** Verdict after a tenth of the run. */
  verdict: EarlyVerdict | undefined;
  private readonly learning: LearningMonitor;
  private layout: RunLayout | undefined;
  /** Number of steps done before this session. */
  private doneBefore: number | undefined;

  constructor(private readonly options: NarratorOptions) {
    this.learning = new LearningMonitor(options.facts, options.metric);
  }

  warmedUp(steps: number): void {
    this.options.onStepsBefore?.(steps);
  }

  planned(length: PlannedLength): void {
    const { note, onLayout } = this.options;
    if (length.layout && length.layout !== this.layout) {
      this.layout = length.layout;
      onLayout(length.layout);
    }
    this.doneBefore ??= length.done;
    note(this.planLine(length));
  }

  stepped(
    step: number,
    losses: Scalars,
    totalSteps: number,
    targets?: readonly TargetCounts[],
  ): void {
    const verdict = this.learning.stepped(step, totalSteps, losses, targets);
    if (!verdict) return;
    this.verdict = verdict;
    this.options.note(verdict.line);
  }

  record(record: LogRecord): void {
    if (record.kind === 'eval') this.learning.evaluated(record.metrics);
  }

  /** `160 images, 172 objects of 1 class: 2,400 steps, about 11 min; anchors fit 97 % of the objects` */
  private planLine({ steps, secondsPerStep, layout, done }: PlannedLength): string {
    const { facts, minutes } = this.options;
    const { counts, fit } = facts;
    const length =
      steps === undefined
        ? `as many steps as fit in ${formatDuration(60 * (minutes ?? NaN))}`
        : counted(steps, 'step') + this.duration(steps, done, secondsPerStep);
    const evaluated = layout?.evaluationImages;
    return [
      `${counts}: ${length}`,
      ...(fit === undefined ? [] : [fit]),
      ...(typeof evaluated === 'number'
        ? [`evaluations of ${counted(evaluated, 'held-out image')}, as many as there is time for`]
        : []),
    ].join('; ');
  }

  /** `, about 11 min` for the whole run, or for what is left of one that goes on. */
  private duration(steps: number, done: number, secondsPerStep: number | undefined): string {
    const { minutes } = this.options;
    const isResumed = this.doneBefore !== 0;
    const left = isResumed ? `, ${counted(steps - done, 'step')} left` : '';
    if (secondsPerStep === undefined) return left;
    // The time of a run for a time contains its evaluations.
    const seconds =
      minutes === undefined || isResumed
        ? (isResumed ? steps - done : steps) * secondsPerStep
        : 60 * minutes;
    return `${left}, about ${formatDuration(seconds)}`;
  }
}
