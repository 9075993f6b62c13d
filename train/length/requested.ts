import { OptionError } from '../../core/errors.js';
import * as t from '../../core/schema.js';
import { isSetOver } from '../config/layers.js';
import { assertFree } from '../config/shortcuts.js';
import { LENGTH_RULES } from '../recipes/own-data.js';
import { RunLayout } from './layout.js';
import type { RequestedLength } from './pace.js';

/** Length that a run was asked for, and its layout; stored in `config.json`. */
export const StoredLength = t.record({
  /** `--minutes` */
  minutes: t.orNull(t.POSITIVE),
  /** `--epochs` */
  epochs: t.orNull(t.POSITIVE),
  /** Intervals that the user set, which a layout keeps. */
  kept: t.record({ warmup: t.FLAG, evaluateEvery: t.FLAG, checkpointEvery: t.FLAG }),
  /** Written the moment it is known. */
  layout: t.orNull(RunLayout),
  /** Number of steps of training before the first step, if it was decided by time. */
  stepsBefore: t.optional(t.whole(0)),
});
export type StoredLength = t.Infer<typeof StoredLength>;

/** Minutes of a run with `overfit`, unless its length is given. */
const OVERFIT_MINUTES = 2;

/** Options of a length. */
interface LengthOptions {
  readonly minutes?: number | undefined;
  readonly epochs?: number | undefined;
  readonly steps?: number | undefined;
  readonly overfit?: number | undefined;
}

/**
 * Chooses the length of a run: that of the resumed run, that of the options, that of the repeated run, or the rule for the
 * set where the recipe has one and nothing sets its length.
 *
 * @param resolved recipe, and the source of every setting
 * @returns null for the length of the configuration
 * @throws ConfigError for two lengths, or another than that of the resumed run
 */
export function chooseLength(
  options: LengthOptions,
  resolved: { readonly recipe: string; readonly sources: Readonly<Record<string, string>> },
  {
    resumed,
    repeated,
  }: {
    readonly resumed?: { readonly length?: StoredLength | null | undefined } | undefined;
    readonly repeated?: { readonly length?: StoredLength | null | undefined } | undefined;
  },
): StoredLength | null {
  const { epochs, steps, overfit } = options;
  const isOpen = options.minutes === undefined && epochs === undefined && steps === undefined;
  const minutes = overfit !== undefined && isOpen && !resumed ? OVERFIT_MINUTES : options.minutes;
  if (minutes !== undefined && epochs !== undefined)
    throw new OptionError('--epochs: expected either --minutes or --epochs, got both');
  if (epochs !== undefined) assertFree(resolved, 'epochs', '--epochs');
  if (steps !== undefined) assertFree(resolved, 'steps', '--steps');
  if (resumed) {
    const stored = resumed.length ?? null;
    assertSame('--minutes', minutes, stored?.minutes);
    assertSame('--epochs', epochs, stored?.epochs);
    return stored;
  }
  const isSet = (...settings: readonly string[]): boolean => isSetOver(resolved, ...settings);
  const wanted = { minutes: minutes ?? null, epochs: epochs ?? null };
  const hasRule = resolved.recipe in LENGTH_RULES && !isSet('epochs', 'steps');
  if (minutes === undefined && epochs === undefined) {
    if (repeated) return repeated.length ?? null;
    if (!hasRule) return null;
  }
  return {
    ...wanted,
    kept: {
      warmup: isSet('warmup', 'warmupEpochs'),
      evaluateEvery: isSet('evaluateEvery', 'evaluateEverySteps'),
      checkpointEvery: isSet('checkpointEvery', 'checkpointEverySteps'),
    },
    layout: null,
  };
}

function assertSame(flag: string, asked: number | undefined, stored: number | null | undefined) {
  if (asked === undefined || asked === stored) return;
  throw new OptionError(
    `${flag}: expected ${stored ?? 'none'}, with which the run was started that is resumed, got ${asked}; ` +
      'to train longer, start a new run from its weights: --weights RUN --out NEW',
  );
}

/** Converts a stored length to that which the training loop keeps. */
export function requestedLength(
  length: StoredLength | null | undefined,
  {
    recipe,
    startMs,
    reportImages,
  }: {
    readonly recipe: string;
    /** Time of the clock at the start of the run. */
    readonly startMs: number;
    readonly reportImages: number;
  },
): RequestedLength | undefined {
  if (!length) return undefined;
  const { minutes, epochs, kept } = length;
  const layout = length.layout ?? undefined;
  // Runs of earlier versions took as many as their minutes allow by number.
  const stepsBefore = length.stepsBefore ?? (layout && Infinity);
  const given = { kept, layout, stepsBefore };
  if (minutes !== null)
    return { by: { kind: 'minutes', minutes, startMs, reportImages }, ...given };
  if (epochs !== null) return { by: { kind: 'epochs', epochs }, ...given };
  return { by: { kind: 'rule', rule: LENGTH_RULES[recipe] }, ...given };
}
