import { defaultCacheFolder } from '../io/files/cache-folder.js';

/** Folder of pulled weights: option, environment, default. */
export function cacheFolder(option?: string): string {
  return option ?? process.env['CONVNEXTV2_CACHE'] ?? defaultCacheFolder();
}
