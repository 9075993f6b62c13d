import { join } from 'node:path';
import { WeightsError } from '../core/errors.js';
import * as t from '../core/schema.js';
import type { FlatBuffers } from '../engine/optimizer/flat-buffers.js';
import type { ParameterStore } from '../engine/parameters/store.js';
import { problemOf } from '../io/checked-json.js';
import type { BestCheckpoint, SkippedCheckpoint } from '../weights/checkpoint-folder.js';
import { CHECKPOINTS, keepLast, latestValid, markBest } from '../weights/checkpoint-folder.js';
import {
  restoreCheckpoint,
  saveCheckpoint,
  updateCheckpointState,
  type CheckpointGroups,
} from '../weights/checkpoint.js';
import { RunLayout } from './length/layout.js';
import { StepTimesState } from './length/step-times.js';
import type { EpochRule } from './progress.js';

/** Changing arrays of a run as groups of a checkpoint: weights, EMA, moments. */
function groupsOf(store: ParameterStore, { ema, moments }: FlatBuffers): CheckpointGroups {
  const views = (buffer: Float32Array): CheckpointGroups[string] =>
    store.entries.map((entry) => ({
      path: entry.path,
      shape: entry.spec.shape,
      layout: entry.spec.layout,
      values: store.view(entry, buffer),
    }));
  return {
    weights: views(store.values),
    ...(ema ? { ema: views(ema) } : {}),
    ...Object.fromEntries(moments.map((moment, i) => [`moment${i + 1}`, views(moment)])),
  };
}

/** State of a run besides arrays. */
export interface RunState {
  /** Model card: architecture, classes, preprocessing. */
  readonly card: Readonly<Record<string, unknown>>;
  /** The merged configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly bestValue: number | null;
  /** Mapping of steps to epochs, and number of ranks; absent in checkpoints of older versions. */
  readonly epochs?: EpochRule;
  /** Whether the evaluation that is due at this step is not complete yet: a resumed run repeats it. */
  readonly awaitsEvaluation?: boolean | undefined;
  /** Length of a run that has another than its configuration. */
  readonly layout?: RunLayout | undefined;
  /** Times of the steps of a run that is still to be laid out. */
  readonly stepTimes?: StepTimesState | undefined;
}

/** Name of the checkpoint of a step. */
export const checkpointName = (step: number): string => `step-${String(step).padStart(8, '0')}`;

/** Saves a checkpoint of a run and deletes old ones. */
export async function saveRun(
  folder: string,
  store: ParameterStore,
  buffers: FlatBuffers,
  { step, state, keep }: { readonly step: number; readonly state: RunState; readonly keep: number },
): Promise<string> {
  const name = checkpointName(step);
  await saveCheckpoint(join(folder, CHECKPOINTS), name, {
    step,
    groups: groupsOf(store, buffers),
    state,
  });
  await keepLast(join(folder, CHECKPOINTS), keep, step);
  return name;
}

/** Marks a checkpoint of a run as the best one so far. */
export function markBestRun(folder: string, best: BestCheckpoint): Promise<void> {
  return markBest(join(folder, CHECKPOINTS), best);
}

/** Replaces the state of a saved checkpoint. */
export async function updateRun(folder: string, name: string, state: RunState): Promise<void> {
  await updateCheckpointState(join(folder, CHECKPOINTS, `${name}.json`), state);
}

const StateSchema: t.Schema = t.withUnknownFields(
  t.record({
    card: t.dictionary<unknown>({}),
    config: t.dictionary<unknown>({}),
    seed: t.number(),
    bestValue: t.orNull(t.number()),
    epochs: t.optional(
      t.record({
        ranks: t.whole(1),
        stepsPerEpoch: t.whole(1),
        origin: t.record({ step: t.whole(0), epoch: t.number({ from: 0 }) }),
      }),
    ),
    awaitsEvaluation: t.optional(t.FLAG),
    layout: t.optional(RunLayout),
    stepTimes: t.optional(StepTimesState),
  }),
);

/** Result of {@link restoreRun}. */
export interface RestoredRun {
  readonly step: number;
  readonly state: RunState;
  /** Damaged newer checkpoints. */
  readonly skipped: readonly SkippedCheckpoint[];
}

/**
 * Restores parameters, EMA and moments from the newest valid checkpoint.
 *
 * @returns undefined if there is none
 */
export async function restoreRun(
  folder: string,
  store: ParameterStore,
  buffers: FlatBuffers,
): Promise<RestoredRun | undefined> {
  const { checkpoint, skipped } = await latestValid<RunState & Record<string, unknown>>(
    join(folder, CHECKPOINTS),
  );
  if (!checkpoint) return undefined;
  const problem = problemOf(checkpoint.state, StateSchema);
  if (problem !== undefined)
    throw WeightsError.in(
      checkpoint.file,
      `expected the checkpoint of a run, got one with another state: ${problem}`,
    );
  await restoreCheckpoint(checkpoint, groupsOf(store, buffers));
  return { step: checkpoint.step, state: checkpoint.state, skipped };
}
