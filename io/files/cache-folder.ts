import { homedir } from 'node:os';
import { join } from 'node:path';

/** Default folder of pulled files: `~/.cache/convnextv2`. */
export function defaultCacheFolder(): string {
  return join(homedir(), '.cache', 'convnextv2');
}
