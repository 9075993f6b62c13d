import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { ConfigFileError } from '../../core/errors.js';
import * as t from '../../core/schema.js';
import { problemOf } from '../../io/checked-json.js';
import { jsonText, writeAtomicallySync } from '../../io/files/atomic.js';
import { packageVersion } from '../../io/files/package-version.js';
import { readJsonIfPresent } from '../../io/files/json.js';
import { RUN_CONFIG, RUN_FORMAT } from '../../io/files/run-mark.js';
import { StoredLength } from '../length/requested.js';
import type { Settings } from './layers.js';

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
  /** Attribute of the regions that holds the class. */
  readonly classAttribute?: string | null | undefined;
  readonly classes?: readonly string[] | null | undefined;
  /** Digest of the data at the first start; absent in runs of earlier versions, null for images in memory. */
  readonly dataDigest?: string | null | undefined;
  readonly steps: number | null;
  /** Length other than that of `config`; absent in runs of earlier versions. */
  readonly length?: StoredLength | null | undefined;
  /** Number of images that alone are trained on, without augmentation. */
  readonly overfit?: number | null | undefined;
  readonly patience: number | null;
  readonly config: Settings;
  /** Source of every value of `config`. */
  readonly sources: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | number>>;
}

/** Facts about program and machine that are stored with a run. @param engine its description */
export function runEnvironment(engine: string): Readonly<Record<string, string | number>> {
  return {
    convnextv2: packageVersion(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    engine,
    started: new Date().toISOString(),
  };
}

/** Stores the configuration of a run. */
export function writeRunConfig(folder: string, run: RunConfig): void {
  writeAtomicallySync(join(folder, RUN_CONFIG), jsonText(run));
}

/** Reads the configuration of a run folder, or returns undefined. @throws ConfigError if it is damaged */
export function readRunConfig(folder: string): RunConfig | undefined {
  const file = join(folder, RUN_CONFIG);
  const run = readJsonIfPresent(file, 'the configuration of a run', ConfigFileError);
  if (run === undefined) return undefined;
  const { format, version } = Object(run) as Partial<RunConfig>;
  if (format !== RUN_FORMAT || version !== 1)
    throw ConfigFileError.in(file, 'expected the configuration of a run, got something else');
  const problem = problemOf(run, RunSchema);
  if (problem === undefined) return run as RunConfig;
  throw ConfigFileError.in(
    file,
    `expected the configuration of a run, got a damaged one: ${problem}`,
  );
}

/** Fields of later versions are accepted. */
const RunSchema: t.Schema = t.withUnknownFields(
  t.record({
    format: t.STRING,
    version: t.whole(1),
    recipe: t.TEXT,
    data: t.TEXT,
    seed: t.whole(0),
    weights: t.optional(t.orNull(t.STRING)),
    weightsSha256: t.optional(t.orNull(t.STRING)),
    valFraction: t.optional(t.orNull(t.FRACTION)),
    dataDigest: t.optional(t.orNull(t.STRING)),
    steps: t.optional(t.orNull(t.whole(0))),
    length: t.optional(t.orNull(StoredLength)),
    overfit: t.optional(t.orNull(t.whole(1))),
    patience: t.optional(t.orNull(t.whole(0))),
    config: t.dictionary<unknown>({}),
    sources: t.dictionary(t.STRING),
  }),
);
