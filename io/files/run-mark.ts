import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readBytesSync } from './read.js';

/** Name of the file in a run folder with the configuration of the run. */
export const RUN_CONFIG = 'config.json';

/** Value of `format`, the first field of that file. */
export const RUN_FORMAT = 'convnextv2-run';

const START = `{"format":"${RUN_FORMAT}"`;

/** Whether a path is the folder of a run, by the beginning of its configuration. */
export function isRun(path: string): boolean {
  const file = join(path, RUN_CONFIG);
  if (!existsSync(file)) return false;
  try {
    const start = new TextDecoder().decode(readBytesSync(file, 64));
    return start.replace(/\s/g, '').startsWith(START);
  } catch {
    return false; // no file, or none that can be read
  }
}
