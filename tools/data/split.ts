import { OptionError } from '../../core/errors.js';
import { divideSet } from '../../datasets/divide/divide.js';
import { findLayout } from '../../datasets/layout/detect.js';
import { assertWritableFolder } from '../../io/files/out-folder.js';
import { dataOptions, type DataFlags } from '../data-options.js';
import { formatTable, log, print, printJson, type JsonFlag } from '../output.js';

/** Flags of `data split`. */
export interface SplitFlags extends DataFlags, JsonFlag {
  readonly out: string;
  readonly valFraction: number;
  readonly testFraction: number;
  readonly seed: number;
  readonly group?: string;
  readonly part?: string;
  readonly copy?: boolean;
  readonly link?: boolean;
}

/** Number of classes that are printed. */
const MOST_CLASSES = 40;

/** Runs `data split`. */
export async function runSplit(path: string, flags: SplitFlags): Promise<void> {
  const { out, valFraction, testFraction, seed, group, part } = flags;
  if (flags.copy && flags.link)
    throw new OptionError('--copy, --link: expected one of them, got both');
  assertWritableFolder(out);
  const data = await findLayout(path, { ...dataOptions(flags), several: true });
  log(data.line);
  const images = flags.copy ? 'copy' : 'link';
  const rule = { valFraction, testFraction, seed };
  const { parts, classes, groups } = await divideSet(data, out, { ...rule, part, group, images });
  if (flags.json) {
    printJson({ folder: out, ...rule, groups, classes, parts });
    return;
  }
  const counts = parts.map(({ name, images: count }) => `${name} ${count}`);
  print(`${out}: ${counts.join(', ')} images${group === undefined ? '' : `, ${groups} groups`}`);
  const rows = classes.map((name, k) => [
    `  ${name}`,
    ...parts.map(({ imagesWith }) => imagesWith[k]),
  ]);
  for (const { name, imagesWith } of parts) {
    const absent = classes.filter((_, k) => imagesWith[k] === 0);
    const shown = absent.length > 5 ? [...absent.slice(0, 5), '…'] : absent;
    if (absent.length > 0)
      log(
        `${name}: no image of ${absent.length} of ${classes.length} classes: ${shown.join(', ')}`,
      );
  }
  const head = ['  images with', ...parts.map(({ name }) => name)];
  print(formatTable([head, ...rows.slice(0, MOST_CLASSES)]));
  if (rows.length > MOST_CLASSES) print(`  … and ${rows.length - MOST_CLASSES} more (--json)`);
}
