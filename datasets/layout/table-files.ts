import { existsSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { ConfigError } from '../../core/errors.js';
import { isCsvOfBoxes } from '../../io/csv/boxes.js';
import { parseCsv } from '../../io/csv/parse.js';
import { readText } from '../../io/files/text.js';
import type { AnnotationSource } from '../annotations/source.js';
import { readClassNames } from '../class-names.js';
import { completeParts } from './complete-parts.js';
import { filesIn, folderNamed, IMAGE_FOLDERS, splitFolders, startOf } from './folder-names.js';
import { splitOfName } from './split-names.js';
import type { DataOptions, DetectionData, SplitName } from './types.js';

/** Formats with one file for a part of a set. */
type FileFormat = 'via' | 'csv';

/** Options that concern these formats. */
type FileOptions = Pick<DataOptions, 'classes' | 'classAttribute'>;

/** Projects or exported annotations of VIA: one file, or one for each split. */
export function viaLayouts(root: string, options: FileOptions): Promise<readonly DetectionData[]> {
  return fileLayouts('via', root, options);
}

/** Lists of boxes: one CSV file, or one for each split. */
export function csvLayouts(root: string, options: FileOptions): Promise<readonly DetectionData[]> {
  return fileLayouts('csv', root, options);
}

/** Creates the candidate of one file. @throws DataError if it cannot be read */
export function tableFileLayout(
  format: FileFormat,
  file: string,
  options: FileOptions,
): Promise<DetectionData> {
  const root = dirname(file);
  const parts = new Map([['train', sourceOf(format, file, root)]] as const);
  return complete(format, root, parts, options);
}

/** Whether a JSON file is of VIA, told by its first fields. */
export function isViaFile(file: string): boolean {
  const start = startOf(file);
  if (/"_via_(settings|img_metadata|attributes|data_format_version)"\s*:/.test(start)) return true;
  return /^\s*\{\s*"[^"]*"\s*:\s*\{[^[\]]*"(filename|fileref)"\s*:/.test(start);
}

const TESTS: Readonly<Record<FileFormat, (file: string) => boolean>> = {
  via: (file) => extname(file).toLowerCase() === '.json' && isViaFile(file),
  csv: (file) => {
    const isTable = ['.csv', '.tsv'].includes(extname(file).toLowerCase());
    const start = isTable ? startOf(file).replace(/^(ÿþ|þÿ|ï»¿)/, '') : '';
    // The last line may be cut.
    return isTable && isCsvOfBoxes(start.length < 4096 ? start : start.replace(/[^\n]*$/, ''));
  },
};

async function fileLayouts(
  format: FileFormat,
  root: string,
  options: FileOptions,
): Promise<readonly DetectionData[]> {
  const found: DetectionData[] = [];
  const inside = folderNamed(root, ['annotations', 'annotation', 'labels', 'data']);
  for (const folder of [root, ...(inside === undefined ? [] : [inside])]) {
    const files = filesIn(folder).filter(TESTS[format]);
    const bySplit = new Map<SplitName, string>();
    for (const file of files) {
      const split = splitOfName(basename(file, extname(file)));
      if (split !== undefined && !bySplit.has(split)) bySplit.set(split, file);
    }
    if (files.length > 1 && bySplit.size === files.length) {
      const parts = [...bySplit].map(([split, file]) => {
        const source = sourceOf(format, file, root, split);
        return [split, source] as const;
      });
      found.push(await complete(format, root, new Map(parts), options));
    } else
      for (const file of files) {
        const parts = new Map([['train', sourceOf(format, file, root)]] as const);
        found.push(await complete(format, root, parts, options));
      }
    if (found.length > 0) return found;
  }
  const parts = new Map<SplitName, AnnotationSource>();
  for (const [split, folder] of splitFolders(root)) {
    const files = filesIn(folder).filter(TESTS[format]);
    if (files.length > 1)
      throw ConfigError.in(
        folder,
        `expected one annotation file, got ${files.map((file) => basename(file)).join(', ')}`,
      );
    if (files.length === 1) parts.set(split, sourceOf(format, files[0], folder));
  }
  return parts.size > 0 ? [await complete(format, root, parts, options)] : [];
}

/** Source of a file, whose images are in a folder for its split, in a folder of images, or anywhere below the root. */
function sourceOf(
  format: FileFormat,
  file: string,
  root: string,
  split?: SplitName,
): AnnotationSource {
  const images = folderNamed(root, IMAGE_FOLDERS);
  const ofSplit = [images, root].flatMap((folder) =>
    split === undefined || folder === undefined ? [] : (splitFolders(folder).get(split) ?? []),
  );
  return { format, annotations: file, images: ofSplit[0] ?? images ?? root };
}

function complete(
  format: FileFormat,
  root: string,
  parts: ReadonlyMap<SplitName, AnnotationSource>,
  { classes, classAttribute }: FileOptions,
): Promise<DetectionData> {
  const listed = format === 'csv' ? listedNames(root) : undefined;
  const named = new Map(
    [...parts].map(([split, source]) => [split, { ...source, classAttribute, names: listed }]),
  );
  const name = { via: 'VIA', csv: 'CSV' }[format];
  return completeParts({ layout: format, root, splits: named, name, classes });
}

/** Names of `classes.csv` (`name,number`, as of keras-retinanet) or `classes.txt` beside a list of boxes. */
function listedNames(root: string): readonly string[] | undefined {
  const text = join(root, 'classes.txt');
  if (existsSync(text)) return readClassNames(text);
  const table = join(root, 'classes.csv');
  if (!existsSync(table)) return undefined;
  const { rows } = parseCsv(readText(table, 'a list of classes'));
  const numbered = rows.map(({ fields: [name, number] }) => [Number(number), name.trim()] as const);
  const isList = numbered.every(([number, name]) => Number.isInteger(number) && name !== '');
  if (!isList) throw ConfigError.in(table, 'expected name,number in every line, got another form');
  return [...numbered].sort(([a], [b]) => a - b).map(([, name]) => name);
}
