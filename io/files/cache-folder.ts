import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder of pulled weights: as given, else of `CONVNEXTV2_CACHE`, else `~/.cache/convnextv2`. */
export function cacheFolder(folder?: string): string {
  return folder ?? process.env['CONVNEXTV2_CACHE'] ?? join(homedir(), '.cache', 'convnextv2');
}
