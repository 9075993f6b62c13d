import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Size } from '../../core/boxes.js';
import { DataError, quote } from '../../core/errors.js';
import { grouped } from '../../core/grouped.js';
import type { CocoIssue } from '../../io/coco/issues.js';
import { readCsvBoxes, type CsvBox } from '../../io/csv/boxes.js';
import { parseCsv } from '../../io/csv/parse.js';
import { readBytes } from '../../io/files/read.js';
import { readText } from '../../io/files/text.js';
import { ImageIndex, insteadOf } from './image-index.js';
import { imageSizeOf, leavesImage, sizeIssue } from './image-size.js';
import { readInOrder } from './in-order.js';
import { ownMessage } from './own-message.js';
import type { ReadTables } from './source.js';
import { TableBuilder } from './table-builder.js';

/** Place of a row; it outlives the reading, so that it must hold nothing else. */
const where = (line: number): string => `line ${line}`;

/** Reads a CSV file of boxes. Rows of one image need not follow each other; rows without a box are backgrounds. */
export const readCsvFile: ReadTables = async (
  { annotations: file, images: imageFolder = '', names, range },
  report,
  { masks } = {},
) => {
  const { boxes, problems, isRelative } = readCsvBoxes(await readBytes(file), file);
  const named = displayNames(dirname(file));
  for (const { line, message } of problems)
    report({ code: 'schema', file, message: `line ${line}: ${message}` });
  const index = ImageIndex.of(imageFolder);
  // The rows of an image may spell its path in several ways.
  const fileOf = new Map<string, string | undefined>();
  const byImage = grouped(boxes, ({ image }) => {
    if (!fileOf.has(image)) fileOf.set(image, index.find('', image));
    return fileOf.get(image) ?? image;
  });
  const builder = new TableBuilder({ file, report, masks, names, where });
  const find = async ([, [{ image, width, height }]]: readonly [string, readonly CsvBox[]]) => {
    const fileName = fileOf.get(image);
    if (fileName === undefined) return undefined;
    return {
      fileName,
      size: await imageSizeOf(imageFolder, fileName, { listed: { width, height }, range }),
    };
  };
  await readInOrder([...byImage], find, (found, [path, own]) => {
    const [{ line, width, height }] = own;
    const issue = (code: CocoIssue['code'], text: string): void =>
      report({ code, file, message: `${where(line)}: ${text}` });
    if (found === undefined)
      return issue(
        'imageMissing',
        `expected the image ${path} in ${imageFolder}, got ${insteadOf(path)}`,
      );
    if (found.size instanceof DataError) return issue('imageUnreadable', ownMessage(found.size));
    const { fileName, size } = found;
    builder.addImage({ fileName, ...size, file });
    const rows = own.map((row) => ({
      ...row,
      corners: isRelative ? inPixels(row.corners, size) : row.corners,
      className: named.get(row.className) ?? row.className,
    }));
    const wrong = sizeIssue(
      size,
      { width, height },
      {
        name: quote(path),
        leaves: rows.some(({ corners }) => corners !== undefined && leavesImage(corners, size)),
      },
    );
    if (wrong) issue(wrong.code, wrong.message);
    for (const row of rows) addBox(builder, row);
  });
  return builder.finish();
};

function inPixels(corners: CsvBox['corners'], { width, height }: Size): CsvBox['corners'] {
  if (corners === undefined) return undefined;
  const [x1, y1, x2, y2] = corners;
  return [x1 * width, y1 * height, x2 * width, y2 * height];
}

/** Names of the classes of Open Images, whose list of boxes has ids (`/m/01yrx,Cat`), from a file beside it. */
function displayNames(folder: string): ReadonlyMap<string, string> {
  const file = readdirSync(folder).find((name) => /class-descriptions.*\.csv$/i.test(name));
  if (file === undefined) return new Map();
  const { rows } = parseCsv(readText(join(folder, file), 'a list of classes'));
  return new Map(rows.map(({ fields: [id, name = id] }) => [id.trim(), name.trim()]));
}

function addBox(builder: TableBuilder, { line, corners, className, isGroup }: CsvBox): void {
  if (corners === undefined) return;
  let [x1, y1, x2, y2] = corners;
  if (x1 > x2 || y1 > y2) {
    builder.issueAt('boxOrder', line, `expected x1 <= x2 and y1 <= y2, got ${corners.join(', ')}`);
    [x1, x2] = [Math.min(x1, x2), Math.max(x1, x2)];
    [y1, y2] = [Math.min(y1, y2), Math.max(y1, y2)];
  }
  const box = [x1, y1, x2 - x1, y2 - y1] as const;
  builder.addObject({ position: line, label: className, box, crowd: isGroup });
}
