/** Where epochs begin; saved in checkpoints. With {@link EpochRule.origin} a step tells its place in the data. */
export interface EpochRule {
  /** Processes that shared the batches. */
  readonly ranks: number;
  readonly stepsPerEpoch: number;
  /** The step at which epochs of this length began, and how many were done then. */
  readonly origin: { readonly step: number; readonly epoch: number };
}

/** A new run. */
export const newRule = (ranks: number, stepsPerEpoch: number): EpochRule => ({
  ranks,
  stepsPerEpoch,
  origin: { step: 0, epoch: 0 },
});

/** Epochs done before a step, with the fraction of the one that is under way. */
export function epochsAt({ stepsPerEpoch, origin }: EpochRule, step: number): number {
  return origin.epoch + (step - origin.step) / stepsPerEpoch;
}

/** Steps of a run of so many epochs. */
export function stepsUntil({ stepsPerEpoch, origin }: EpochRule, epochs: number): number {
  return origin.step + (epochs - origin.epoch) * stepsPerEpoch;
}

/**
 * How a resumed run goes on. With the same number of steps an epoch it goes on exactly where it stopped. Otherwise batches are
 * others now, so the epoch that was under way counts as done and the next one starts; the number of steps goes on.
 *
 * @param saved of the checkpoint; undefined for those of older versions, which had one process
 * @returns the rule, and a line for people if an epoch is cut short or the number of ranks changed
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
      `resumed at step ${step} with ${now.ranks} ranks and ${now.stepsPerEpoch} steps an epoch instead of ` +
      `${before.ranks} and ${before.stepsPerEpoch}: goes on at the start of epoch ${epoch}`,
  };
}
