import { Column } from '../../core/column.js';
import { withoutExtension } from './image-index.js';

/**
 * Paths of the annotation files of images, for messages. Most are that of the image with another beginning and end
 * (`images/a.jpg`, `labels/a.txt`), so that these are stored once for all of them.
 */
export class FileNames {
  /** Beginnings and ends of paths by number. */
  private readonly forms: (readonly [string, string])[] = [];
  private readonly numbers = new Map<string, number>();
  /** Of each image: number of its form; plus ½ where the form is the path. */
  private readonly formOf = new Column();

  /** Adds the path of the next image. */
  add(file: string, image: string): void {
    const stem = withoutExtension(image);
    const at = stem === '' ? -1 : file.lastIndexOf(stem);
    const form =
      at < 0 ? ([file, ''] as const) : ([file.slice(0, at), file.slice(at + stem.length)] as const);
    const key = JSON.stringify(form);
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.forms.push(form) - 1;
      this.numbers.set(key, number);
    }
    this.formOf.push(at < 0 ? number + 0.5 : number);
  }

  /** The path of the `index`-th image. */
  at(index: number, image: string): string {
    const number = this.formOf.at(index);
    const [start, end] = this.forms[Math.floor(number)];
    return Number.isInteger(number) ? start + withoutExtension(image) + end : start;
  }

  /** Frees what only further paths need. */
  finish(): void {
    this.numbers.clear();
    this.formOf.shrink();
  }
}
