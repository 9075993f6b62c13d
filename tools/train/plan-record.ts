import { resolve as resolvePath } from 'node:path';
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Settings } from '../../train/config/layers.js';
import type { ResolvedConfig } from '../../train/config/resolve.js';
import type { RunConfig } from '../../train/config/run-config.js';
import { RUN_FORMAT } from '../../train/config/run-config.js';
import { packageVersion } from '../version.js';
import type { StartingPoint, TrainingRequest } from './request.js';

/** Everything that is settled before data and engine are opened. */
export interface TrainingPlan {
  readonly resolved: ResolvedConfig;
  readonly start: StartingPoint;
  /** What the run started from: a file or an official name. */
  readonly weights: string | null;
  readonly weightsSha256: string | null;
}

/** What the run folder stores about a planned run. */
export function runConfigOf(
  request: TrainingRequest,
  { resolved, weights, weightsSha256 }: TrainingPlan,
  engine: string,
): RunConfig {
  return {
    format: RUN_FORMAT,
    version: 1,
    recipe: resolved.recipe,
    data: resolvePath(request.data),
    seed: request.seed,
    weights,
    weightsSha256,
    valFraction: request.valFraction ?? null,
    steps: request.steps ?? null,
    patience: request.patience ?? null,
    config: resolved.config as unknown as Settings,
    sources: resolved.sources,
    environment: {
      convnextv2: packageVersion(),
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      threads: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      engine,
      started: new Date().toISOString(),
    },
  };
}
