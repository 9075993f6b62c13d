import { SPLIT_NAMES } from '../segmentation-folder.js';
import type { SplitName } from './types.js';

/** Finds the split that a file or folder is named after: `train_labels.csv`, `via-val.json`; undefined if there is none. */
export function splitOfName(name: string): SplitName | undefined {
  const words = name.toLowerCase().split(/[^a-z]+/);
  const found = Object.entries(SPLIT_NAMES).find(([, names]) =>
    words.some((word) => (names as readonly string[]).includes(word)),
  );
  return found?.[0] as SplitName | undefined;
}
