import { existsSync, statSync } from 'node:fs';
import { dirname, resolve as resolvePath } from 'node:path';
import { ConfigError, WeightsError } from '../../core/errors.js';
import { sha256OfFile } from '../../io/files/sha256.js';
import { isConfigPath } from '../../train/config/file.js';
import { flattenSettings } from '../../train/config/layers.js';
import type { Settings } from '../../train/config/layers.js';
import type { ResolvedConfig } from '../../train/config/resolve.js';
import { resolveConfig } from '../../train/config/resolve.js';
import type { RunConfig } from '../../train/config/run-config.js';
import { RUN_CONFIG, readRunConfig } from '../../train/config/run-config.js';
import { log } from '../output.js';
import type { TrainingPlan } from './plan-record.js';
import type { TrainingRequest } from './request.js';
import { startingPoint } from './request.js';

/** What the user typed: a stored run may say the rest. */
export type TrainingFlags = Omit<TrainingRequest, 'data' | 'seed' | 'plan'> &
  Partial<Pick<TrainingRequest, 'data' | 'seed'>>;

/** A request with its plan. */
export type PlannedRequest = TrainingRequest & { readonly plan: TrainingPlan };

/**
 * Merges recipe, stored run, files and flags. A run that is resumed keeps its configuration, data and seed; one that is repeated
 * (RECIPE is a run folder or its `config.json`) also its weights and length. What is typed goes first.
 *
 * @throws ConfigError, WeightsError
 */
export async function planTraining(name: string, flags: TrainingFlags): Promise<PlannedRequest> {
  const repeated = isConfigPath(name) ? storedAt(name) : undefined;
  const resumed = flags.resume ? readRunConfig(flags.out) : undefined;
  if (resumed && !isConfigPath(name) && resumed.recipe !== name)
    throw new ConfigError(
      `--resume: expected recipe ${resumed.recipe}, which ${flags.out} was started with, got ${name}`,
    );
  const stored = resumed ?? repeated;
  const data = flags.data ?? stored?.data;
  if (data === undefined) throw new ConfigError('train: expected --data DIR, got none');
  const seed = flags.seed ?? stored?.seed ?? 0;
  if (resumed && seed !== resumed.seed)
    throw new ConfigError(
      `--seed: expected ${resumed.seed}, the seed of the run that is resumed, got ${seed}`,
    );
  const request: TrainingRequest = present({
    ...flags,
    data,
    seed,
    // A resumed run has its weights from the checkpoint.
    weights: resumed ? undefined : (flags.weights ?? stored?.weights ?? undefined),
    steps: flags.steps ?? repeated?.steps ?? undefined,
    valFraction: flags.valFraction ?? stored?.valFraction ?? undefined,
    patience: flags.patience ?? stored?.patience ?? undefined,
  });
  const start = await startingPoint(request);
  const weightsSha256 = start.weights === undefined ? null : await sha256OfFile(start.weights);
  if (repeated && flags.weights === undefined && weightsSha256 !== repeated.weightsSha256)
    throw new WeightsError(
      `${String(start.weights)}: expected the weights that ${name} was started with, got another content`,
      { file: String(start.weights) },
    );
  const resolved = resolveConfig(resumed ? flags.out : name, {
    ...(start.backbone && flags.model === undefined ? { ofWeights: start.backbone } : {}),
    ...(start.backbone && flags.model !== undefined ? { asked: start.backbone } : {}),
    ...(flags.config === undefined ? {} : { file: flags.config }),
    set: flags.set,
  });
  if (resumed) reportChanges(resumed, resolved);
  return {
    ...request,
    plan: {
      resolved,
      start,
      weights: (resumed ? resumed.weights : absolute(request.weights)) ?? null,
      weightsSha256: resumed ? resumed.weightsSha256 : weightsSha256,
    },
  };
}

/** A file keeps its meaning when the run is repeated from another folder; names stay names. */
function absolute(weights: string | undefined): string | undefined {
  return weights !== undefined && existsSync(weights) ? resolvePath(weights) : weights;
}

/** The record without the fields that are undefined. */
function present<T extends object>(record: { readonly [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}

function storedAt(path: string): RunConfig | undefined {
  if (!existsSync(path)) return undefined;
  if (statSync(path).isDirectory()) return readRunConfig(path);
  return path.endsWith(RUN_CONFIG) ? readRunConfig(dirname(path)) : undefined;
}

function reportChanges(stored: RunConfig, { config }: ResolvedConfig): void {
  const before = new Map(flattenSettings(stored.config));
  for (const [path, value] of flattenSettings(config as unknown as Settings)) {
    const [was, is] = [before.get(path), value].map((v) => JSON.stringify(v) ?? 'nothing');
    if (was !== is) log(`changed for the rest of the run: ${path} from ${was} to ${is}`);
  }
}
