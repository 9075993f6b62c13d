import { assertList } from '../../core/arguments.js';
import { grouped } from '../../core/grouped.js';
import { ConfigError } from '../../core/errors.js';
import type { CocoCategory } from '../../core/coco.js';

/** Mapping of class indices to categories: class `k` has `names[k]` and `categoryIds[k]`. Stored with checkpoints. */
export interface ClassMap {
  /** `[K]`. */
  readonly names: readonly string[];
  /** `[K]`. */
  readonly categoryIds: readonly number[];
}

/**
 * Numbers the classes in ascending order of category id, or in the order of `names` for a selection. An id that occurs
 * twice, which loading rejects, is used once, so that such a file can still be inspected.
 *
 * @throws ConfigError if a name is unknown, ambiguous or given twice, or if there is no category
 */
export function createClassMap(
  categories: readonly CocoCategory[],
  names?: readonly string[],
): ClassMap {
  assertList('createClassMap', 'a list of categories', categories);
  if (names !== undefined) assertList('createClassMap', 'a list of names', names);
  if (categories.length === 0)
    throw new ConfigError('classes: expected at least one category, got none');
  const byName = grouped(categories, ({ name }) => name);
  const chosen = names
    ? names.map((name) => categoryNamed(categories, byName.get(name) ?? [], name))
    : firstOfEachId(categories).sort((a, b) => a.id - b.id);
  if (chosen.length === 0) throw new ConfigError('classes: expected at least one name, got none');
  const seen = new Set<number>();
  const twice = chosen.find(({ id }) => seen.size === seen.add(id).size);
  if (twice) throw new ConfigError(`classes: expected each name once, got "${twice.name}" again`);
  return { names: chosen.map(({ name }) => name), categoryIds: chosen.map(({ id }) => id) };
}

function firstOfEachId(categories: readonly CocoCategory[]): CocoCategory[] {
  const seen = new Set<number>();
  return categories.filter(({ id }) => !seen.has(id) && seen.add(id));
}

/** @param found categories of the name */
function categoryNamed(
  categories: readonly CocoCategory[],
  found: readonly CocoCategory[],
  name: string,
): CocoCategory {
  if (found.length === 1) return found[0];
  const known = categories.map((category) => category.name).join(', ');
  throw new ConfigError(
    found.length === 0
      ? `classes: expected names of categories (${known}), got "${name}"`
      : `classes: expected a name that one category has, got "${name}" of ${found.length} (ids ${found.map(({ id }) => id).join(', ')})`,
  );
}
