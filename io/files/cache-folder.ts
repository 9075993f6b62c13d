import { homedir } from 'node:os';
import { join } from 'node:path';

/** Default folder of pulled files: `~/.cache/convnextv2`. */
export function defaultCacheFolder(): string {
  return join(homedir(), '.cache', 'convnextv2');
}

/** Folder of pulled weights: option, environment, default. */
export function cacheFolder(option?: string): string {
  return option ?? process.env['CONVNEXTV2_CACHE'] ?? defaultCacheFolder();
}
