import { fileURLToPath } from 'node:url';
import { readClassList, type ClassEntry } from '../class-list.js';

/** The 1,000 classes of ImageNet-1K by class index: WordNet id and the first of its names, `n01440764` and `tench`. */
export const imageNetClasses = (): readonly ClassEntry[] =>
  readClassList(fileURLToPath(new URL('./imagenet.txt', import.meta.url)));
