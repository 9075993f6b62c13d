import { quote } from '../core/errors.js';
import { grouped } from '../core/grouped.js';
import { problemKinds, type ProblemLog } from './problems.js';

/** Problems of class names; see `COCO_PROBLEMS` for the severities. */
export const NAME_PROBLEMS = problemKinds('warning', {
  classAlike: 'classes whose names differ in case, spaces or signs only: probably one',
});

/** Reports names that are probably different spellings of one class: `Traffic light` and `traffic_light`. */
export function reportAlike(names: readonly string[], file: string, log: ProblemLog): void {
  const spelled = new Map(names.map((name) => [name, plain(name)]));
  for (const [word, alike] of grouped([...spelled.keys()], (name) => spelled.get(name) ?? ''))
    // Single letters of both cases are the classes of a set of characters.
    if (word.length > 1 && alike.length > 1)
      log.add(NAME_PROBLEMS.classAlike, { file, message: alike.map((name) => quote(name)).join(', ') });
}

const plain = (name: string): string =>
  name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}+#]/gu, '');
