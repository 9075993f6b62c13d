import { quote } from '../core/errors.js';
import { grouped } from '../core/grouped.js';
import { editDistance } from '../core/nearest-word.js';
import { problemKinds, type ProblemLog } from './problems.js';

/** Problems of class names; see `COCO_PROBLEMS` for the severities. */
export const NAME_PROBLEMS = problemKinds('warning', {
  classAlike: 'classes whose names differ in case, spaces or signs only: probably one',
  classMisspelled: 'rare classes whose names differ from another by a letter: probably one',
});

/** Shortest name that may be misspelled, and the largest fraction of the objects of the other that it then has. */
const [SHORTEST, RARE] = [5, 0.2];
/** Largest number of classes that are compared with each other. */
const MOST_COMPARED = 500;
/** Longest name that is compared letter by letter. */
const LONGEST = 100;

/** Reports names that are probably spellings of one class: `Traffic light` and `traffic_light`, or `racoon` and `raccoon`. */
export function reportAlike(
  names: readonly string[],
  counts: ArrayLike<number>,
  file: string,
  log: ProblemLog,
): void {
  const spelled = names.map((name, k) => ({ name, count: counts[k], word: plain(name) }));
  const groups = grouped(
    new Map(spelled.map((each) => [each.name, each])).values(),
    ({ word }) => word,
  );
  for (const [word, alike] of groups)
    // Single letters of both cases are the classes of a set of characters.
    if (word.length > 1 && alike.length > 1)
      log.add(NAME_PROBLEMS.classAlike, {
        file,
        message: alike.map(({ name }) => quote(name)).join(', '),
      });
  if (names.length > MOST_COMPARED) return;
  for (const rare of spelled) {
    const isNear = ({ word, count }: (typeof spelled)[number]): boolean =>
      word !== rare.word &&
      rare.count <= RARE * count &&
      Math.min(word.length, rare.word.length) >= SHORTEST &&
      word.length <= LONGEST &&
      withoutNumbers(word) !== withoutNumbers(rare.word) &&
      Math.abs(word.length - rare.word.length) <= 1 &&
      editDistance(rare.word, word) === 1;
    const other = rare.count > 0 ? spelled.find(isNear) : undefined;
    if (other)
      log.add(NAME_PROBLEMS.classMisspelled, {
        file,
        message: `${quote(rare.name)} (${rare.count}) and ${quote(other.name)} (${other.count})`,
      });
  }
}

const withoutNumbers = (word: string): string => word.replace(/\d/g, '');

/** A name without case, spaces and signs but those of numbers. */
const plain = (name: string): string =>
  String(name) // a list of a YAML file may have holes
    .normalize('NFKC')
    .toLowerCase()
    .replace(/(?<=[^\d\s])[-.,/]|[-.,/](?!\d)|[^\p{L}\p{N}+#.,/-]/gu, '');
