import { resolve } from 'node:path';
import { DataError, quote } from '../../core/errors.js';
import type { CocoTables } from '../../io/coco/annotations.js';
import { classOrder, isIdentity } from '../class-order.js';
import type { ProblemLog } from '../problems.js';
import { COCO_PROBLEMS as PROBLEMS, imageProblem } from './problem-kinds.js';

/** A part of a set whose records were checked. */
interface CheckedPart {
  readonly split: string;
  readonly table: CocoTables;
  /** Image folder. */
  readonly images?: string | undefined;
  /** Numbers of used objects by class name; undefined for a part with errors. */
  readonly counts?: ReadonlyMap<string, number> | undefined;
  readonly log: ProblemLog;
}

/**
 * Checks that the classes of every part are those of the training part, by name.
 *
 * @param across log of the set, for parts that training uses
 */
export function checkClasses(parts: readonly CheckedPart[], across: ProblemLog): void {
  const training = parts.find(({ split }) => split === 'train');
  if (!training) return;
  const wanted = sortedById(training.table).map(({ name }) => name);
  for (const { split, table, log } of parts) {
    const { file, annotations } = table;
    if (table === training.table) continue;
    const categories = sortedById(table);
    const used = new Set(annotations.categoryIds);
    const names = categories.map(({ name }) => name);
    const isUsed = (k: number): boolean => used.has(categories[k].id);
    try {
      const order = classOrder({ names, isUsed }, wanted, { file, owner: 'the training part' });
      if (!isIdentity(order, wanted.length) && !isAscending(order))
        log.add(PROBLEMS.categoriesMapped, { file, message: 'another order of categories' });
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      const to = split === 'test' ? log : across;
      to.add(PROBLEMS.categoriesDiffer, { file, message: error.message.slice(file.length + 2) });
    }
  }
}

const isAscending = (order: Int32Array): boolean =>
  order.filter((k) => k >= 0).every((k, i, known) => i === 0 || k > known[i - 1]);

const sortedById = ({ categories }: CocoTables): CocoTables['categories'] =>
  [...categories].sort((a, b) => a.id - b.id);

/** Reports classes that occur only in validation. */
export function checkHeldOut(parts: readonly CheckedPart[]): void {
  const trained = parts.find(({ split }) => split === 'train')?.counts;
  const heldOut = parts.find(({ split }) => split === 'val');
  // Otherwise nothing is learned at all, which has been reported.
  if (![...(trained?.values() ?? [])].some((count) => count > 0)) return;
  for (const [name, count] of heldOut?.counts ?? [])
    if (heldOut && count > 0 && trained?.get(name) === 0)
      heldOut.log.add(PROBLEMS.classHeldOut, {
        file: heldOut.table.file,
        message: `${quote(name)}: expected objects in training, got none, and ${count} in validation`,
      });
}

/** Checks that no image is in several parts. */
export function checkOverlap(parts: readonly CheckedPart[], log: ProblemLog): void {
  const seen = new Map<string, string>();
  for (const { split, images: folder, table } of parts) {
    table.images.fileNames.forEach((name, i) => {
      // Image ids alone are not sufficient: some exports number each split from 0, and names may be numbers as well.
      const id = table.images.ids[i];
      const own = folder === undefined ? [] : [resolve(folder, name)];
      // Only COCO's files have ids; those of other formats are positions.
      const keys = table.places ? own : [`${id}/${name}`, ...own];
      const other = keys.map((key) => seen.get(key)).find((found) => found !== undefined);
      if (other !== undefined && other !== split) {
        const message = `expected an image of one split, got ${quote(name)} of ${other}, too`;
        log.add(PROBLEMS.splitOverlap, imageProblem(table, i, message));
      }
      for (const key of keys) if (!seen.has(key)) seen.set(key, split);
    });
  }
}
