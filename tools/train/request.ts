import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { ConfigError } from '../../core/errors.js';
import type { EngineOptions } from '../../engine/runtime/engine.js';
import { openEngine } from '../../engine/runtime/engine.js';
import { variant } from '../../models/classifier-weights.js';
import { holdsDetector } from '../../models/detector-weights.js';
import { inferDetector } from '../../models/load-detector.js';
import { CHECKPOINTS } from '../../train/checkpoints.js';
import { SINGLE_PROCESS, type Communicator } from '../../train/distributed/communicator.js';
import type { Run } from '../../train/loop.js';
import { locateWeights } from '../../weights/pull/cache.js';
import { summarizeWeights } from '../../weights/verify.js';
import { cacheFolder } from '../cache-folder.js';
import { log } from '../output.js';
import { writeRunConfig } from '../../train/config/run-config.js';
import type { RunMonitor } from './monitor.js';
import { runConfigOf } from './plan-record.js';
import type { TrainingPlan } from './plan-record.js';

/** What `train` was asked for. */
export interface TrainingRequest {
  readonly data: string;
  readonly out: string;
  readonly weights?: string;
  readonly model?: string;
  /** Configuration file over the recipe. */
  readonly config?: string;
  readonly set: readonly string[];
  readonly seed: number;
  readonly steps?: number;
  readonly resume?: boolean;
  readonly cache?: string;
  /** Share of the images that are held out where the data has one part only. */
  readonly valFraction?: number;
  /** Stop after so many evaluations without a better score. */
  readonly patience?: number;
  /** Whether the trained model is examined for the report; it is unless this is false. */
  readonly report?: boolean;
  readonly engine: EngineOptions;
  readonly signal?: AbortSignal;
  /** The processes that train together; one if not given. */
  readonly communicator?: Communicator;
  /** Settled by {@link file://./plan.ts}. */
  readonly plan?: TrainingPlan;
  /** Shows and records how it goes. */
  readonly monitor?: RunMonitor;
}

/** What the flags say about the model: a weight file to start from and its size. */
export interface StartingPoint {
  /** Weight file. */
  readonly weights?: string;
  /** The size of `--model`, else that of the weights, else absent: the recipe's. */
  readonly backbone?: ConvNeXtV2Config;
}

/** Looks up `--weights` and `--model`. @throws WeightsError, ConfigError */
export async function startingPoint(request: TrainingRequest): Promise<StartingPoint> {
  if (request.plan) return request.plan.start;
  const named = request.model !== undefined ? { backbone: variant(request.model) } : {};
  if (request.weights === undefined) return named;
  const ofRun = join(request.weights, CHECKPOINTS);
  const { file, entry } = await locateWeights(
    existsSync(ofRun) ? ofRun : request.weights,
    cacheFolder(request.cache),
  );
  if (entry)
    log(`${entry.name}: official weights, licence ${entry.licence} (not for commercial use)`);
  const { depths, dims } = (await holdsDetector(file))
    ? (await inferDetector(file)).backbone
    : (await summarizeWeights(file)).architecture;
  // The response norm is the recipe's.
  const found = { depths, dims } as ConvNeXtV2Config;
  return { weights: file, backbone: found, ...named };
}

/** Checks the run folder and opens the engine. Called last before training. @throws ConfigError */
export async function runOf(request: TrainingRequest, { weights }: StartingPoint): Promise<Run> {
  checkFolder(request);
  const engine = await openEngine(request.engine);
  log(engine.description);
  if (request.plan && (request.communicator?.rank ?? 0) === 0)
    writeRunConfig(request.out, runConfigOf(request, request.plan, engine.description));
  return {
    engine,
    folder: request.out,
    seed: request.seed,
    resume: request.resume ?? false,
    maxSteps: request.steps ?? null,
    listener: request.monitor,
    communicator: request.communicator ?? SINGLE_PROCESS,
    weights,
    signal: request.monitor?.signal,
  };
}

/** A run folder holds one run: an old one is continued or left alone, never mixed with a new one. */
function checkFolder({ out, resume }: TrainingRequest): void {
  const checkpoints = join(out, CHECKPOINTS);
  const isUsed = existsSync(checkpoints) && readdirSync(checkpoints).length > 0;
  if (resume && !isUsed)
    throw new ConfigError(`train: expected a checkpoint in ${out} to resume from, got none`);
  if (resume) removeTemporary(checkpoints);
  if (isUsed && !resume) {
    throw new ConfigError(
      `--out ${out}: expected an empty or new folder, got one with checkpoints; add --resume to go on, or choose another`,
    );
  }
}

/** What a killed run was writing has a temporary name and is no use any more. */
function removeTemporary(checkpoints: string): void {
  for (const name of readdirSync(checkpoints))
    if (/\.\d+\.tmp$/.test(name)) rmSync(join(checkpoints, name), { force: true });
}
