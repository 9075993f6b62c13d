import { posix } from 'node:path';
import { isImageName, unreadImageFormat } from '../../io/files/images.js';
import { listFiles } from '../../io/files/list.js';

/** Rule by which a listed name leads to a file, in the order in which they are tried. */
type NameRule = 'exact' | 'separator' | 'Unicode form' | 'case' | 'extension';

/** An image file found by its listed name. */
interface FoundName {
  /** Path relative to the folder, with `/`. */
  readonly path: string;
  readonly rule: NameRule;
}

/** Looser and looser forms of a path: annotations are often made on another system. */
const FORMS = {
  separator: (path: string) => path,
  'Unicode form': (path: string) => path.normalize('NFC'),
  case: (path: string) => path.normalize('NFC').toLowerCase(),
  extension: (path: string) => withoutImageExtension(path.normalize('NFC').toLowerCase()),
  /** The last part alone. */
  name: (path: string) =>
    withoutImageExtension(posix.basename(path.normalize('NFC').toLowerCase())),
} as const satisfies Partial<Record<NameRule | 'name', (path: string) => string>>;
type Form = keyof typeof FORMS;
const PATH_RULES = ['separator', 'Unicode form', 'case'] as const;
const RULES = [...PATH_RULES, 'extension'] as const;

/**
 * The images of a folder, found by the names that annotation files have or give. Names that fit several images fit none.
 */
export class ImageIndex {
  private readonly forms = new Map<Form, ReadonlyMap<string, string | undefined>>();

  private constructor(readonly paths: readonly string[]) {}

  /** Lists the images below a folder; none if there is no folder. */
  static of(folder: string | undefined): ImageIndex {
    return new ImageIndex(folder === undefined ? [] : listFiles(folder, isImageName));
  }

  /** Finds an image by its path in the folder; separators, case and Unicode normal form may differ. */
  at(path: string): string | undefined {
    return this.match(path, PATH_RULES)?.path;
  }

  /** Finds an image by a listed path; `\` separates folders on every system. */
  match(listed: string, rules: readonly (typeof RULES)[number][] = RULES): FoundName | undefined {
    const path = posix.normalize(listed.replaceAll('\\', '/'));
    for (const rule of rules) {
      const found = this.by(rule, FORMS[rule](path));
      if (found !== undefined) return { path: found, rule };
    }
    return undefined;
  }

  /**
   * Finds the image of an annotation file.
   *
   * @param stem path of the annotation file relative to its folder, without extension
   * @param named path that the file gives, if any
   * @returns the image with the same path, or else name, or else the named one
   */
  find(stem: string, named = ''): string | undefined {
    const path = named.replaceAll('\\', '/');
    // Several images may differ only in their extension.
    const sibling = posix.join(posix.dirname(stem), posix.basename(path));
    const isSibling = withoutExtension(sibling) === stem;
    return (
      (isSibling ? this.at(sibling) : undefined) ??
      this.by('extension', FORMS.case(stem)) ??
      this.at(path) ??
      this.by('name', FORMS.case(posix.basename(stem))) ??
      this.byEnd(path) ??
      this.by('name', FORMS.case(withoutExtension(posix.basename(path)))) ??
      this.uploaded(stem)
    );
  }

  /** Finds the image of a path as it was before an upload to Label Studio, by its name. */
  uploaded(path: string): string | undefined {
    const name = posix.basename(path.replaceAll('\\', '/'));
    const own = beforeUpload(name);
    return own === name ? undefined : this.by('name', FORMS.name(own));
  }

  /** Finds the image of a path of another place: by its last folders and name, as many as lead to one. */
  private byEnd(path: string): string | undefined {
    const words = path.split('/');
    for (let away = 1; away < words.length - 1; away++) {
      const found = this.at(words.slice(away).join('/'));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private by(form: Form, key: string): string | undefined {
    let byForm = this.forms.get(form);
    if (byForm === undefined) {
      const map = new Map<string, string | undefined>();
      for (const path of this.paths) {
        const own = FORMS[form](path);
        map.set(own, map.has(own) ? undefined : path);
      }
      this.forms.set(form, (byForm = map));
    }
    return byForm.get(key);
  }
}

/** Describes what there may be instead of an image that is missing, by its name, for messages: a file of a format that is not read. */
export function insteadOf(name: string): string {
  return unreadImageFormat(name) ?? 'none';
}

/** Name of a file without the random number that Label Studio puts before it: `1a2b3c4d-photo.jpg`. */
export function beforeUpload(name: string): string {
  return name.replace(/^[0-9a-f]{8}-(?=.)/, '');
}

/** Path without its extension; names may contain dots, and may lack an extension. */
export function withoutExtension(path: string): string {
  const extension = posix.extname(path);
  return /^\.\w{1,5}$/.test(extension) ? path.slice(0, -extension.length) : path;
}

function withoutImageExtension(path: string): string {
  return isImageName(path) ? path.slice(0, -posix.extname(path).length) : path;
}
