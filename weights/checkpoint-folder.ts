import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CheckpointError, WeightsError } from '../core/errors.js';
import * as t from '../core/schema.js';
import { problemOf } from '../io/checked-json.js';
import { readCheckpoint, readCheckpointJson, type Checkpoint } from './checkpoint.js';
import { otherWeightsIn } from './folder.js';
import { writeJsonAtomically } from '../io/files/atomic.js';
import { readJsonIfPresent } from '../io/files/json.js';

/** Checkpoints of a run: the newest valid one, the best one, and those to delete. */

/** A skipped checkpoint, with the reason. */
export interface SkippedCheckpoint {
  readonly file: string;
  readonly reason: string;
}

/** Result of {@link latestValid}. */
interface LatestCheckpoint<State extends object = Record<string, unknown>> {
  /** Undefined if the folder has no valid checkpoint. */
  readonly checkpoint: Checkpoint<State> | undefined;
  /** Newer incomplete or damaged checkpoints, to be reported. */
  readonly skipped: readonly SkippedCheckpoint[];
}

/** `best.json`: a name, not a copy. */
export interface BestCheckpoint {
  readonly name: string;
  /** E.g. `top1`, `segm.AP`, `mIoU`. */
  readonly metric: string;
  readonly value: number;
  /** Whether the weights or their moving average had this value; absent in runs of older versions. */
  readonly which?: 'ema' | 'raw' | undefined;
}

const BEST = 'best.json';

/** Name of the folder of checkpoints inside a run folder. */
export const CHECKPOINTS = 'checkpoints';

/**
 * Finds the newest checkpoint (most steps) whose files are complete and unchanged. Incomplete ones are skipped and
 * reported. A missing folder counts as empty.
 */
export async function latestValid<State extends object = Record<string, unknown>>(
  folder: string,
): Promise<LatestCheckpoint<State>> {
  const { checkpoints, skipped } = await listCheckpoints(folder);
  for (const { name } of [...checkpoints].reverse()) {
    try {
      return { checkpoint: await readCheckpoint<State>(join(folder, name)), skipped };
    } catch (error) {
      if (!(error instanceof WeightsError)) throw error;
      skipped.push({ file: join(folder, `${name}.safetensors`), reason: error.message });
    }
  }
  return { checkpoint: undefined, skipped };
}

/**
 * Deletes all but the last `count` checkpoints (by step) and the best one.
 *
 * @param step of the newest one: those of later steps, which are damaged or a resumed run would have begun with them, neither
 *   count nor are deleted; default: the last
 * @returns names of the deleted
 */
export async function keepLast(
  folder: string,
  count: number,
  step = Infinity,
): Promise<readonly string[]> {
  const all = (await listCheckpoints(folder)).checkpoints;
  const checkpoints = all.filter((checkpoint) => checkpoint.step <= step);
  const best = await readBest(folder);
  const deleted = checkpoints
    .slice(0, Math.max(checkpoints.length - count, 0))
    .map(({ name }) => name)
    .filter((name) => name !== best?.name);
  for (const name of deleted) {
    // The JSON first, so that a crash leaves no checkpoint instead of a damaged one.
    await rm(join(folder, `${name}.json`), { force: true });
    await rm(join(folder, `${name}.safetensors`), { force: true });
  }
  return deleted;
}

/** Records the best checkpoint; {@link keepLast} keeps it. */
export async function markBest(folder: string, best: BestCheckpoint): Promise<void> {
  await writeJsonAtomically(join(folder, BEST), best);
}

const BestSchema = t.withUnknownFields(
  t.record({
    /** Beside the mark: other paths would lead out of the folder. */
    name: { type: 'string', pattern: '^[\\w-][\\w.-]*$' } as t.Schema<string>,
    metric: t.optional(t.TEXT),
    value: t.number(),
    which: t.optional(t.oneOf('ema', 'raw')),
  }),
);

/** Reads the record of {@link markBest}, or returns undefined. @throws WeightsError if it is damaged */
export async function readBest(folder: string): Promise<BestCheckpoint | undefined> {
  const path = join(folder, BEST);
  const best = readJsonIfPresent(path, 'name, metric and value', CheckpointError);
  if (best === undefined) return undefined;
  if (problemOf(best, BestSchema) === undefined) return best as BestCheckpoint;
  throw CheckpointError.in(path, 'expected name, metric and value');
}

/** Whether a checkpoint is the best one of its folder, and its EMA scored better than its weights; undefined if unknown. */
export async function isEmaBetter(file: string): Promise<boolean | undefined> {
  const best = await readBest(dirname(file)).catch(() => undefined); // a damaged mark concerns the run folder
  if (best?.which === undefined || `${best.name}.safetensors` !== basename(file)) return undefined;
  return best.which === 'ema';
}

/**
 * Finds the checkpoint of a run folder: the best one, or the newest valid one if none is marked.
 *
 * @throws WeightsError if there is none
 */
export async function findCheckpoint<State extends object = Record<string, unknown>>(
  folder: string,
): Promise<Checkpoint<State>> {
  const best = await readBest(folder);
  if (best) return readCheckpoint<State>(join(folder, best.name));
  const { checkpoint, skipped } = await latestValid<State>(folder);
  if (checkpoint) return checkpoint;
  const reasons = skipped.map(({ reason }) => reason).join('; ');
  const got = reasons || `none${otherWeightsIn(folder)}`;
  throw CheckpointError.in(folder, `expected a valid checkpoint, got ${got}`);
}

/** Lists checkpoints by ascending step; incomplete JSON and tensors without JSON are reported. */
async function listCheckpoints(folder: string): Promise<{
  readonly checkpoints: readonly { readonly name: string; readonly step: number }[];
  readonly skipped: SkippedCheckpoint[];
}> {
  const files = new Set(
    await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    }),
  );
  const checkpoints: { name: string; step: number }[] = [];
  const skipped: SkippedCheckpoint[] = [];
  const names = new Set([...files].map((file) => file.replace(/\.(json|safetensors)$/, '')));
  for (const name of [...names].sort()) {
    const path = join(folder, `${name}.safetensors`);
    const hasTensors = files.has(`${name}.safetensors`);
    if (!files.has(`${name}.json`)) {
      const reason = `${path}: expected ${name}.json beside it, got none`;
      if (hasTensors) skipped.push({ file: path, reason });
      continue;
    }
    try {
      const { step } = await readCheckpointJson(join(folder, `${name}.json`));
      checkpoints.push({ name, step });
    } catch (error) {
      if (!(error instanceof WeightsError)) throw error;
      // Other JSON files (best.json, the configuration) have no tensor file.
      if (hasTensors) skipped.push({ file: path, reason: error.message });
    }
  }
  checkpoints.sort((a, b) => a.step - b.step);
  return { checkpoints, skipped };
}
