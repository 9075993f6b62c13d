import { OptionError } from '../../core/errors.js';
import { readTextSync, reasonOf } from '../../io/files/read.js';
import type { AreaRange } from '../../evaluation/coco/parameters.js';

/** Parses whole numbers from `1,2,3`, or from a file given as `@ids.txt` (separated by commas or white space). */
export function idList(flag: string): (text: string) => readonly number[] {
  return (text) => {
    let source = text;
    if (text.startsWith('@')) {
      try {
        source = readTextSync(text.slice(1));
      } catch (cause) {
        const reason = reasonOf(cause);
        throw new OptionError(`${flag}: expected a readable file, got ${reason}`, { cause });
      }
    }
    const items = source.split(/[\s,]+/).filter((item) => item !== '');
    const ids = items.map(Number);
    if (ids.length > 0 && ids.every(Number.isSafeInteger)) return ids;
    throw new OptionError(`${flag}: expected whole numbers with commas between, got ${text}`);
  };
}

/** Parses `all:0-1e10,tiny:0-256`. @throws ConfigError for another syntax */
export function areaRangeList(flag: string): (text: string) => readonly AreaRange[] {
  return (text) =>
    text.split(',').map((item) => {
      const match = /^\s*([^:]+):([^-]+)-(.+)$/.exec(item);
      const [name, min, max] = match
        ? [match[1], Number(match[2]), Number(match[3])]
        : ['', NaN, NaN];
      if (min <= max) return { name, min, max };
      throw new OptionError(`${flag}: expected NAME:MIN-MAX in square pixels, got ${item}`);
    });
}
