import { EVALUATION_FRACTION } from './layout.js';

/** Milliseconds since any moment, never going back. */
export type Clock = () => number;

/** Time that a run may take, from its start to the end of the last evaluation and the report. */
export interface TimeBudget {
  readonly minutes: number;
  /** Time of the clock at the start of the run. */
  readonly startMs: number;
  /** Largest number of held-out images that are examined for the report; 0 without. */
  readonly reportImages: number;
}

/** Measured time of an evaluation: of its graphs, and of every image. */
export interface EvaluationTimes {
  readonly buildSeconds: number;
  readonly secondsPerImage: number;
}

/** Fraction of the budget that is kept free: for checkpoints, and graphs of shapes that come later. */
const SLACK = 0.02;
/** Fewest images of an evaluation that is cut to fit its share of the time. */
const FEWEST_IMAGES = 8;
const MOST_EVALUATIONS = 10;
/** Seconds to write the report. */
const REPORT_SECONDS = 1;

/** Division of a budget. */
export interface DividedTime {
  /** Number of steps of the whole run. */
  readonly steps: number;
  /** Number of evaluations, with the last. */
  readonly evaluations: number;
  /** Number of held-out images of each; undefined: all. */
  readonly evaluationImages: number | undefined;
  /** Time of the clock after which no step is taken, so that the last evaluation ends in time. */
  readonly deadlineMs: number;
}

/** Divides what is left of a time budget among steps, evaluations and report. */
export function divideTime(
  { minutes, startMs, reportImages }: TimeBudget,
  known: {
    /** Number of steps done. */
    readonly step: number;
    readonly nowMs: number;
    readonly secondsPerStep: number;
    /** Undefined without held-out images. */
    readonly evaluation: EvaluationTimes | undefined;
    readonly numHeldOut: number;
    /** Number of weights that an evaluation scores. */
    readonly numEvaluated: number;
  },
): DividedTime {
  const { step, nowMs, secondsPerStep, evaluation, numHeldOut, numEvaluated } = known;
  const budget = 60 * minutes;
  const evaluationBudget = EVALUATION_FRACTION * budget;
  const images = evaluation
    ? affordableImages(evaluation, evaluationBudget / numEvaluated, numHeldOut)
    : 0;
  const last = numEvaluated * secondsOf(evaluation, images);
  const evaluations =
    last > 0 ? clamp(Math.floor(evaluationBudget / last), 1, MOST_EVALUATIONS) : 1;
  const report =
    reportImages > 0 ? secondsOf(evaluation, Math.min(reportImages, images)) + REPORT_SECONDS : 0;
  const used = (nowMs - startMs) / 1000;
  const left = (1 - SLACK) * budget - used - evaluations * last - report;
  return {
    steps: step + Math.max(0, Math.floor(left / Math.max(secondsPerStep, 1e-6))),
    evaluations,
    evaluationImages: images < numHeldOut && images > 0 ? images : undefined,
    deadlineMs: startMs + 1000 * (budget - last - report),
  };
}

/** Number of images whose evaluation takes at most `seconds`, but not fewer than a few. */
function affordableImages(
  { buildSeconds, secondsPerImage }: EvaluationTimes,
  seconds: number,
  numHeldOut: number,
): number {
  const fitting = Math.floor((seconds - buildSeconds) / Math.max(secondsPerImage, 1e-6));
  return Math.min(numHeldOut, Math.max(FEWEST_IMAGES, fitting));
}

function secondsOf(times: EvaluationTimes | undefined, images: number): number {
  return times && images > 0 ? times.buildSeconds + images * times.secondsPerImage : 0;
}

const clamp = (value: number, least: number, most: number): number =>
  Math.max(least, Math.min(most, value));

/** Numbers of images of the two evaluations that are timed. */
const TIMED_IMAGES = [2, 10] as const;

/**
 * Times evaluations of a few held-out images: the first one builds the graphs.
 *
 * @param evaluate evaluates a number of images
 */
export async function timeEvaluation(
  evaluate: (limit: number) => Promise<unknown>,
  numHeldOut: number,
  now: Clock,
): Promise<EvaluationTimes> {
  const seconds: number[] = [];
  for (const limit of TIMED_IMAGES) {
    const start = now();
    await evaluate(Math.min(limit, numHeldOut));
    seconds.push((now() - start) / 1000);
  }
  const [few, more] = TIMED_IMAGES.map((limit) => Math.min(limit, numHeldOut));
  const secondsPerImage =
    more > few ? Math.max(0, seconds[1] - seconds[0]) / (more - few) : seconds[1] / more;
  return { buildSeconds: Math.max(0, seconds[1] - more * secondsPerImage), secondsPerImage };
}
