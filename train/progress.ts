/**
 * Mapping of steps to epochs; saved in checkpoints. With {@link EpochRule.origin}, a step determines its position in the
 * data.
 */
export interface EpochRule {
  /** Number of processes that divided the batches. */
  readonly ranks: number;
  readonly stepsPerEpoch: number;
  /** Step at which epochs of this length began, and number of epochs done then. */
  readonly origin: { readonly step: number; readonly epoch: number };
}

/** Creates the rule of a new run. */
export const newRule = (ranks: number, stepsPerEpoch: number): EpochRule => ({
  ranks,
  stepsPerEpoch,
  origin: { step: 0, epoch: 0 },
});

/** Number of epochs done before a step, including the fraction of the current one. */
export function epochsAt({ stepsPerEpoch, origin }: EpochRule, step: number): number {
  return origin.epoch + (step - origin.step) / stepsPerEpoch;
}

/** Number of steps of a run with a number of epochs. */
export function stepsUntil({ stepsPerEpoch, origin }: EpochRule, epochs: number): number {
  return origin.step + (epochs - origin.epoch) * stepsPerEpoch;
}

/**
 * Creates the rule of a resumed run. With the same number of steps per epoch it continues exactly where it stopped.
 * Otherwise the batches differ, so the current epoch counts as done and the next one starts; step numbers continue.
 *
 * @param saved rule of the checkpoint; undefined for older versions, which had one process
 * @returns the rule, and a message if an epoch is cut short or the number of ranks changed
 */
export function resumedRule(
  saved: EpochRule | undefined,
  step: number,
  now: Pick<EpochRule, 'ranks' | 'stepsPerEpoch'>,
): { readonly rule: EpochRule; readonly notice?: string } {
  const before = saved ?? newRule(1, now.stepsPerEpoch);
  const isSame = before.ranks === now.ranks && before.stepsPerEpoch === now.stepsPerEpoch;
  if (isSame || step === 0) return { rule: { ...before, ...now } };
  const epoch = Math.ceil(epochsAt(before, step));
  return {
    rule: { ...now, origin: { step, epoch } },
    notice:
      `resumed at step ${step} with ${now.ranks} ranks and ${now.stepsPerEpoch} steps per epoch instead of ` +
      `${before.ranks} and ${before.stepsPerEpoch}: goes on at the start of epoch ${epoch}`,
  };
}
