import { mean, sum } from '../core/statistics.js';
import { thousands } from '../core/thousands.js';
import { constantLoss } from './constant-loss.js';
import type { DataFacts, TargetCounts } from './data-facts.js';
import type { Scalars } from './trainer.js';

/** Fraction of the steps after which it is said whether a run learns. */
const JUDGED_AFTER = 0.1;
/** Fewest steps of a verdict, and of the whole run. */
const FEWEST_STEPS = 10;
/** Fewest steps after which a loss that did not fall says something: before, the warm-up is hardly over. */
const TELLING_STEPS = 40;
/** Fractions of the steps so far over which losses are averaged. */
const FIRST = 0.1;
const LAST = 0.3;
/** Factor of the loss of a constant answer below which a model has learned something. */
const LEARNED = 0.9;
/** The same where a score says that nothing is found: a loss also falls by learning where objects are rare. */
const CLEARLY_LEARNED = 0.75;
/** Factor of the first losses above which a loss rises. */
const RISEN = 1.3;
/** Fraction of the targets from which a model may well learn their class alone. */
const ONE_CLASS = 0.95;

const UNKNOWN_REASON =
  'labels that do not fit the pictures (shifted, of other images), see data browse; or too few steps: ' +
  'train with --overfit 8 shows whether the set can be learned';

/** Verdict on the first steps of a run. */
export interface EarlyVerdict {
  /** Undefined if there are too few steps to say that it does not. */
  readonly learns: boolean | undefined;
  readonly line: string;
  /** Likely reason, if it does not and there is one in data or losses. */
  readonly reason?: string | undefined;
}

/** Losses and targets of a step. */
interface SeenStep {
  readonly losses: Scalars;
  readonly targets: readonly TargetCounts[];
}

/** Judges after a tenth of a run whether it learns, and names the likely reason if it does not. */
export class LearningMonitor {
  private readonly seen: SeenStep[] = [];
  private score: { readonly name: string; readonly value: number } | undefined;
  private isDone = false;

  /** @param metric name of the score that an evaluation gives */
  constructor(
    private readonly facts: DataFacts,
    private readonly metric: string,
  ) {}

  /** Takes the scores of an evaluation. */
  evaluated(metrics: Scalars): void {
    const value = metrics[this.metric];
    if (value !== undefined && value >= (this.score?.value ?? -Infinity))
      this.score = { name: this.metric, value };
  }

  /**
   * Takes a step.
   *
   * @param step number of steps done, with this one
   * @param totalSteps infinite while it is not known
   * @returns the verdict, once: one step after the tenth, so that its evaluation counts
   */
  stepped(
    step: number,
    totalSteps: number,
    losses: Scalars,
    targets: readonly TargetCounts[] = [],
  ): EarlyVerdict | undefined {
    if (this.isDone) return undefined;
    this.seen.push({ losses, targets });
    const due = Math.max(FEWEST_STEPS, Math.ceil(JUDGED_AFTER * totalSteps));
    if (step <= due || this.seen.length <= FEWEST_STEPS) return undefined;
    this.isDone = true;
    // A resumed run whose first steps are not known is not judged.
    return this.seen.length < step ? undefined : this.verdict(due, totalSteps);
  }

  private verdict(done: number, totalSteps: number): EarlyVerdict {
    const { seen, facts, score } = this;
    const first = seen.slice(0, Math.max(3, Math.ceil(FIRST * seen.length)));
    const last = seen.slice(-Math.max(5, Math.ceil(LAST * seen.length)));
    const [before, now] = [first, last].map((steps) => meanLoss(steps, 'loss'));
    const counted = countedTargets(last);
    const known = counted.flatMap((target) =>
      target.changes !== 'other' && last.every(({ losses }) => target.loss in losses)
        ? [{ ...target, changes: target.changes }]
        : [],
    );
    const constant =
      known.length > 0
        ? sum(
            known.map(
              ({ counts, fraction, changes, added }) =>
                fraction * constantLoss(counts, changes) + added,
            ),
          )
        : facts.constantLoss;
    const judged = known.length > 0 ? sum(known.map(({ loss }) => meanLoss(last, loss))) : now;
    const rises = now > RISEN * before;
    const isScored = score !== undefined && facts.learnedFrom !== undefined;
    const isFound = isScored && score.value >= (facts.learnedFrom ?? Infinity);
    const factor = isScored ? CLEARLY_LEARNED : LEARNED;
    const learns = !rises && (isFound || judged < factor * (constant ?? before));
    const compared =
      constant === undefined
        ? `loss ${format(now)}, ${format(before)} at first`
        : `loss ${format(judged)}${known.length > 0 ? ` (${known.map(({ loss }) => loss).join(' + ')})` : ''}, of a constant answer ${format(constant)}`;
    const positives = counted.flatMap(({ of, counts, background }) =>
      background === undefined ? [] : [`${positivePercent(counts, background)} of the ${of}`],
    );
    const isEarly = !learns && !rises && done < TELLING_STEPS && facts.concerns.length === 0;
    const reason = learns ? undefined : this.reason(rises, counted);
    const parts = [
      compared,
      ...(rises ? [`the loss rises, from ${format(before)} to ${format(now)}`] : []),
      ...(score ? [`${score.name} ${format(score.value)}`] : []),
      ...(positives.length > 0 ? [`positive: ${positives.join(', ')}`] : []),
      ...(learns || isEarly ? [] : [`likely: ${reason ?? UNKNOWN_REASON}`]),
    ];
    const steps = `${thousands(done)} of ${thousands(totalSteps)} steps`;
    const says = isEarly
      ? 'is too early to say whether it learns'
      : learns
        ? 'learns'
        : 'does not learn yet';
    return {
      learns: isEarly ? undefined : learns,
      reason,
      line: `after ${steps} it ${says}: ${parts.join('; ')}`,
    };
  }

  private reason(rises: boolean, targets: readonly CountedTargets[]): string | undefined {
    if (rises) return 'the learning rate is too high: --lr with a third of it';
    const [concern] = this.facts.concerns;
    if (concern !== undefined) return concern;
    const unmatched = targets.find(
      ({ counts, background }) =>
        background !== undefined && sum(counts) === (counts[background] ?? 0),
    );
    if (unmatched)
      return `nothing matched: none of the sampled ${unmatched.of} belongs to an object`;
    return this.dominant(targets);
  }

  /** Names a class that nearly all targets have, unless it is background. */
  private dominant(targets: readonly CountedTargets[]): string | undefined {
    for (const { counts, background, of } of targets) {
      const [largest, total] = [Math.max(...counts), sum(counts)];
      if (background !== undefined || largest <= ONE_CLASS * total) continue;
      const k = counts.indexOf(largest);
      const name = this.facts.classNames?.[k] ?? `class ${k}`;
      return `one class only: ${((100 * largest) / total).toPrecision(3)} % of the ${of} are of ${name}`;
    }
    return undefined;
  }
}

/** Targets of several steps. */
interface CountedTargets extends TargetCounts {
  readonly counts: readonly number[];
  readonly fraction: number;
  readonly added: number;
}

/** Targets of several steps with the values of each. */
interface Summed {
  readonly counts: number[];
  readonly fractions: number[];
  readonly added: number[];
  readonly like: TargetCounts;
}

/** Sums the targets of steps by loss term. */
function countedTargets(steps: readonly SeenStep[]): readonly CountedTargets[] {
  const byLoss = new Map<string, Summed>();
  for (const { targets } of steps)
    for (const like of targets) {
      const known = byLoss.get(like.loss) ?? { counts: [], fractions: [], added: [], like };
      Array.from(like.counts).forEach(
        (count, k) => (known.counts[k] = (known.counts[k] ?? 0) + count),
      );
      known.fractions.push(like.fraction ?? 1);
      known.added.push(like.added ?? 0);
      byLoss.set(like.loss, known);
    }
  return [...byLoss.values()].map(({ counts, fractions, added, like }) => ({
    ...like,
    counts,
    fraction: mean(fractions),
    added: mean(added),
  }));
}

const meanLoss = (steps: readonly SeenStep[], name: string): number =>
  mean(steps.map(({ losses }) => losses[name] ?? NaN));

const format = (value: number): string => value.toPrecision(3);

function positivePercent(counts: readonly number[], background: number): string {
  const percent = 100 * (1 - (counts[background] ?? 0) / Math.max(1, sum(counts)));
  return `${percent.toPrecision(2)} %`;
}
