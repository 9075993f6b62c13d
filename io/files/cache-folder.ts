import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where pulled files go unless the user says otherwise: `~/.cache/convnextv2`. */
export function defaultCacheFolder(): string {
  return join(homedir(), '.cache', 'convnextv2');
}
