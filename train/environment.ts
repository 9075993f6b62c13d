import { availableParallelism, cpus, totalmem } from 'node:os';
import { packageVersion } from '../io/files/package-version.js';

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
