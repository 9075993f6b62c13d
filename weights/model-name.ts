import { ModelNotFoundError } from '../core/errors.js';
import { editDistance } from '../core/nearest-word.js';
import { CATALOG, type CatalogEntry } from './catalog.js';

/**
 * Finds a published file by its name or another of its names:
 *
 * - `tiny.fcmae_ft_in1k`, with timm's prefix (`convnextv2_tiny.fcmae_ft_in1k`), the file's own name
 *   (`convnextv2_tiny_1k_224_ema.pt`), or Hugging Face's (`facebook/convnextv2-tiny-1k-224`)
 * - `cascade-mask-rcnn.convnext_tiny_coco`, `upernet.convnext_tiny_ade20k`, the file's own name, Hugging Face's
 *   (`openmmlab/upernet-convnext-tiny`), or a method and words that fit a single file (`upernet.small`)
 *
 * @throws WeightsError with the nearest names if there is none, or with all if several fit
 */
export function resolveModelName(name: string): CatalogEntry {
  const bare = name.trim().replace(/^(timm|facebook|openmmlab)\//, '');
  const found = CATALOG.find((entry) => entry.name === bare || entry.aliases.includes(bare));
  if (found) return found;
  const fitting = abbreviated(bare);
  if (fitting.length === 1) return fitting[0];
  const nearest = fitting.length > 0 ? fitting.map((entry) => entry.name) : suggest(bare);
  throw new ModelNotFoundError(
    `weights: expected an official name, got "${name}"; ${fitting.length > 0 ? 'it may be' : 'nearest:'} ${nearest.join(', ')} (all: convnextv2 weights list)`,
    { id: name },
  );
}

/**
 * Detectors and segmenters whose name begins with the method before the dot and has all words after it, in their order.
 * Copies of other publishers need theirs.
 */
function abbreviated(name: string): readonly CatalogEntry[] {
  const [method, ...rest] = name.toLowerCase().split('.');
  if (rest.length === 0) return [];
  const words = rest.join('_').split(/[-_]/);
  const all = CATALOG.filter((entry) => entry.name.startsWith(`${method}.convnext_`));
  const fitting = all.filter((entry) => {
    const own = entry.name.slice(method.length + 1).split('_');
    let at = -1;
    return words.every((word) => (at = own.indexOf(word, at + 1)) >= 0);
  });
  const original = fitting.filter((entry) => !/_(hf|openmmlab)$/.test(entry.name));
  return original.length > 0 ? original : fitting;
}

/** All names of a size if only the size is given, else the three nearest by edit distance. */
function suggest(bare: string): readonly string[] {
  const name = bare.replace(/^convnextv2[_-]/, '');
  const names = CATALOG.map((entry) => entry.name);
  const ofSize = names.filter((candidate) => candidate.startsWith(`${name}.`));
  if (ofSize.length > 0) return ofSize;
  return names
    .map((candidate) => [editDistance(name, candidate), candidate] as const)
    .sort(([a], [b]) => a - b)
    .slice(0, 3)
    .map(([, candidate]) => candidate);
}
