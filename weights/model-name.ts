import { WeightsError } from '../core/errors.js';
import { editDistance } from '../core/nearest-word.js';
import { CATALOGUE, type CatalogueEntry } from './catalogue.js';

/**
 * Finds an official file by name: `tiny.fcmae_ft_in1k`, with timm's prefix (`convnextv2_tiny.fcmae_ft_in1k`), the
 * file's own name (`convnextv2_tiny_1k_224_ema.pt`), or Hugging Face's (`facebook/convnextv2-tiny-1k-224`).
 *
 * @throws WeightsError with the nearest names if there is none
 */
export function resolveModelName(name: string): CatalogueEntry {
  const bare = name.trim().replace(/^(timm|facebook)\//, '');
  const found = CATALOGUE.find((entry) => aliases(entry).includes(bare));
  if (found) return found;
  const nearest = suggest(bare.replace(/^convnextv2[_-]/, ''));
  throw new WeightsError(
    `weights: expected an official name, got "${name}"; nearest: ${nearest.join(', ')} (all: convnextv2 weights list)`,
    { id: name },
  );
}

function aliases({ name, size, tag, fileName, inputSizePx }: CatalogueEntry): readonly string[] {
  const own = [name, `convnextv2_${name}`, fileName, fileName.replace(/\.pt$/, '')];
  if (tag === 'fcmae') return own;
  const data = tag === 'fcmae_ft_in1k' ? '1k' : '22k';
  return [...own, `convnextv2-${size}-${data}-${inputSizePx}`];
}

/** All names of a size if only the size is given, else the three nearest by edit distance. */
function suggest(name: string): readonly string[] {
  const names = CATALOGUE.map((entry) => entry.name);
  const ofSize = names.filter((candidate) => candidate.startsWith(`${name}.`));
  if (ofSize.length > 0) return ofSize;
  return names
    .map((candidate) => [editDistance(name, candidate), candidate] as const)
    .sort(([a], [b]) => a - b)
    .slice(0, 3)
    .map(([, candidate]) => candidate);
}
