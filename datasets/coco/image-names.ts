import { posix } from 'node:path';
import { isImageName } from '../../io/files/images.js';
import { listFiles } from '../../io/files/list.js';

/** Rule by which a listed name leads to a file, in the order in which they are tried. */
export type NameRule = 'exact' | 'separator' | 'Unicode form' | 'case' | 'extension';

/** An image file found by its listed name. */
export interface FoundName {
  /** Path relative to the folder, with `/`. */
  readonly path: string;
  readonly rule: NameRule;
}

const RULES: readonly (readonly [NameRule, (path: string) => string])[] = [
  ['separator', (path) => path],
  ['Unicode form', (path) => path.normalize('NFC')],
  ['case', (path) => path.normalize('NFC').toLowerCase()],
  ['extension', (path) => withoutImageExtension(path.normalize('NFC').toLowerCase())],
];

/**
 * Files below a folder by looser and looser forms of their names: annotations are often made on another system. Names
 * that fit several files fit none.
 */
export class LooseNames {
  private readonly forms: readonly ReadonlyMap<string, string | undefined>[];

  constructor(folder: string) {
    const paths = listFiles(folder, isImageName);
    this.forms = RULES.map(([, form]) => {
      const byForm = new Map<string, string | undefined>();
      for (const path of paths) {
        const key = form(path);
        byForm.set(key, byForm.has(key) ? undefined : path);
      }
      return byForm;
    });
  }

  /** Finds a file by a listed name; `\` separates folders on every system. */
  find(listed: string): FoundName | undefined {
    const path = posix.normalize(listed.replaceAll('\\', '/'));
    for (const [i, [rule, form]] of RULES.entries()) {
      const found = this.forms[i].get(form(path));
      if (found !== undefined) return { path: found, rule };
    }
    return undefined;
  }
}

function withoutImageExtension(path: string): string {
  return isImageName(path) ? path.slice(0, -posix.extname(path).length) : path;
}
