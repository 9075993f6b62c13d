import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../core/errors.js';
import { jsonText, writeAtomicallySync } from '../../io/files/atomic.js';
import type { Settings } from './layers.js';

/** Name of the file in a run folder with the configuration of the run. */
export const RUN_CONFIG = 'config.json';

/** Value of `format` in that file. */
export const RUN_FORMAT = 'convnextv2-run';

/** Everything that determines a run besides data and program. */
export interface RunConfig {
  readonly format: typeof RUN_FORMAT;
  readonly version: 1;
  /** Recipe on which the configuration is based. */
  readonly recipe: string;
  readonly data: string;
  readonly seed: number;
  readonly weights: string | null;
  /** sha256 of the weight file. */
  readonly weightsSha256: string | null;
  readonly valFraction: number | null;
  /** Absent in runs of earlier versions. */
  readonly layout?: string | null | undefined;
  readonly classes?: readonly string[] | null | undefined;
  readonly steps: number | null;
  readonly patience: number | null;
  readonly config: Settings;
  /** Source of every value of `config`. */
  readonly sources: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | number>>;
}

/** Stores the configuration of a run. */
export function writeRunConfig(folder: string, run: RunConfig): void {
  writeAtomicallySync(join(folder, RUN_CONFIG), jsonText(run));
}

/** Reads the configuration of a run folder, or returns undefined. @throws ConfigError if it is damaged */
export function readRunConfig(folder: string): RunConfig | undefined {
  const file = join(folder, RUN_CONFIG);
  if (!existsSync(file)) return undefined;
  try {
    const run = JSON.parse(readFileSync(file, 'utf8')) as RunConfig;
    if (run.format === RUN_FORMAT && run.version === 1 && typeof run.config === 'object')
      return run;
  } catch (cause) {
    throw new ConfigError(`${file}: expected the configuration of a run, got no JSON`, {
      cause,
      file,
    });
  }
  throw ConfigError.in(file, 'expected the configuration of a run, got something else');
}
