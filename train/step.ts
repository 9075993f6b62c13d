import { NotFiniteError, WorkError } from '../core/errors.js';
import { adamW } from '../engine/optimizer/adam-w.js';
import { updateEma } from '../engine/optimizer/ema.js';
import type { FlatBuffers } from '../engine/optimizer/flat-buffers.js';
import { accumulateGradients, clipScale, gradientNorm } from '../engine/optimizer/gradients.js';
import type { ParameterRun } from '../engine/optimizer/runs.js';
import { sgd } from '../engine/optimizer/sgd.js';
import type { LoopConfig } from './config/loop.js';
import type { Communicator } from './distributed/communicator.js';
import { shardOf } from './distributed/shard.js';
import { joinReports, type StepReport } from './distributed/totals.js';
import type { Meter } from './meter.js';
import type { Scalars, Trainer } from './trainer.js';

/** Settings of a step. */
export interface StepSettings extends Pick<LoopConfig, 'optimizer' | 'accumulation' | 'clipNorm'> {
  readonly parameterRuns: readonly ParameterRun[];
  /** Decay of the EMA of the parameters, or null. */
  readonly emaDecay: number | null;
}

/** Model, memory and settings of a step. */
export interface StepModel<Batch> {
  readonly trainer: Trainer<Batch>;
  readonly buffers: FlatBuffers;
  readonly settings: StepSettings;
}

/** Position of a step and what it shares with other ranks. */
interface StepContext {
  readonly communicator: Communicator;
  /** Saves and stops after the step when aborted. */
  readonly signal?: AbortSignal | undefined;
  readonly step: number;
  readonly lr: number;
  readonly meter: Meter;
}

/**
 * Runs one optimizer step: gradients of all micro-batches and ranks, checks, clipping, update, EMA.
 *
 * @throws WorkError if a loss or gradient is not finite; nothing is updated then
 */
export async function trainStep<Batch>(
  { trainer, buffers, settings }: StepModel<Batch>,
  batches: AsyncIterator<Batch>,
  { communicator, signal, step, lr, meter }: StepContext,
): Promise<StepReport & { readonly norm: number }> {
  const shard = shardOf(communicator);
  let numImages = 0;
  const sums: Record<string, number> = {};
  const names: string[] = [];
  const { accumulation } = settings;
  const next = async (): Promise<Batch> => {
    const { done, value } = await meter.waiting(batches.next());
    if (done)
      throw new WorkError(`train: expected another batch at step ${step}, got the end of the data`);
    return value;
  };
  const take = (batch: Batch, losses: Scalars): void => {
    for (const [term, value] of Object.entries(losses))
      sums[term] = (sums[term] ?? 0) + value / accumulation;
    names.push(trainer.describe(batch));
    numImages += trainer.numImages(batch);
  };
  if (trainer.backwardTogether) {
    const all: Batch[] = [];
    while (all.length < accumulation) all.push(await next());
    const losses = await trainer.backwardTogether(all, { step, shard });
    all.forEach((batch, i) => take(batch, losses[i]));
  } else
    for (let micro = 0; micro < accumulation; micro++) {
      const batch = await next();
      take(batch, await trainer.backward(batch, { step, micro, shard }));
      if (accumulation > 1) accumulateGradients(buffers, { index: micro, count: accumulation });
    }
  // Checked here, where the images are known, before the values spread to all ranks.
  assertFinite(sums, step, names);
  const isStopping = signal?.aborted ?? false;
  const report = await joinReports(communicator, { losses: sums, numImages, isStopping });
  meter.images += report.numImages;
  await communicator.allReduceSum(buffers.gradients, { what: 'gradients' });
  const { size } = communicator;
  const norm = gradientNorm(buffers) / size;
  assertFinite({ 'gradient norm': norm }, step, names);
  const gradientScale =
    (settings.clipNorm === null ? 1 : clipScale({ norm, maxNorm: settings.clipNorm })) / size;
  const { optimizer, parameterRuns } = settings;
  switch (optimizer.kind) {
    case 'adamw':
      adamW(buffers, parameterRuns, { ...optimizer, lr, step: step + 1, gradientScale });
      break;
    case 'sgd':
      sgd(buffers, parameterRuns, { ...optimizer, lr, gradientScale });
      break;
    default:
      optimizer satisfies never;
  }
  if (settings.emaDecay !== null) updateEma(buffers, settings.emaDecay);
  return { ...report, norm };
}

function assertFinite(values: Scalars, step: number, images: readonly string[]): void {
  const bad = Object.entries(values).filter(([, value]) => !Number.isFinite(value));
  if (bad.length === 0) return;
  const terms = bad.map(([term, value]) => `${term} = ${value}`).join(', ');
  throw new NotFiniteError(
    `train: step ${step}: expected finite losses and gradients, got ${terms} on ${images.join('; ')}; ` +
      'the last checkpoint, if there is one, is unchanged: lower the learning rate or clipNorm',
  );
}
