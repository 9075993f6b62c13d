import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WeightsError } from '../../core/errors.js';
import type { CatalogueEntry } from '../catalogue.js';
import { findCheckpoint } from '../checkpoint-folder.js';
import { resolveModelName } from '../model-name.js';
import { checkRecord } from '../record.js';

/** Whether an official file is in the cache. */
export function isCached(entry: CatalogueEntry, cacheFolder: string): boolean {
  return existsSync(join(cacheFolder, entry.fileName));
}

/** A weight file, and its catalogue entry if it is an official file from the cache. */
interface LocatedWeights {
  readonly file: string;
  readonly entry: CatalogueEntry | undefined;
}

/**
 * Finds weights by file, by folder of checkpoints, or by official name if the file is in the cache and matches the
 * recorded checksum.
 *
 * @throws WeightsError if nothing matches, the file is not in the cache, or it has changed
 */
export async function locateWeights(
  nameOrFile: string,
  cacheFolder: string,
): Promise<LocatedWeights> {
  if (existsSync(nameOrFile)) {
    const isFolder = statSync(nameOrFile).isDirectory();
    const file = isFolder ? (await findCheckpoint(nameOrFile)).file : nameOrFile;
    return { file, entry: undefined };
  }
  if (/[\\/]|\.(pth?|safetensors|bin|ckpt)$/.test(nameOrFile) && !isOfficial(nameOrFile)) {
    throw WeightsError.in(nameOrFile, 'expected a weight file, got no such file');
  }
  const entry = resolveModelName(nameOrFile);
  const file = join(cacheFolder, entry.fileName);
  if (!existsSync(file)) {
    throw new WeightsError(
      `${entry.name}: expected ${file}, got no such file; run "convnextv2 weights pull ${entry.name}", or put ${entry.url} there`,
      { file },
    );
  }
  await checkRecord(file);
  return { file, entry };
}

function isOfficial(name: string): boolean {
  try {
    return resolveModelName(name) !== undefined;
  } catch {
    return false;
  }
}
