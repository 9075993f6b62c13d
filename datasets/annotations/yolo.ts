import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Size } from '../../core/boxes.js';
import { DataError, quote } from '../../core/errors.js';
import type { Report } from '../../io/coco/issues.js';
import { isImageName } from '../../io/files/images.js';
import { listFiles } from '../../io/files/list.js';
import { readText } from '../../io/files/text.js';
import { readYoloLabels, type YoloObject, type YoloProblem } from '../../io/yolo/labels.js';
import { errorAsValueSync } from '../problems.js';
import { ownMessage } from './own-message.js';
import { beforeUpload, withoutExtension } from './image-index.js';
import { imageSizeOf } from './image-size.js';
import { readInOrder } from './in-order.js';
import type { AnnotationSource, ReadTables } from './source.js';
import { TableBuilder } from './table-builder.js';
import { listedImages } from './yolo-list.js';

/** Place of an object; it outlives the reading, so that it must hold nothing else. */
const where = (position: number): string => `line ${position + 1}`;

/** Text files beside labels that are none. */
const NO_LABELS = new Set(['classes.txt', 'labels.txt', 'obj.names', 'readme.txt', 'notes.txt']);

/**
 * Reads a YOLO set: a text file of the same name for every image. Images without one, or with an empty one, are
 * background. Positions are relative to the size of the image, which is read from its file.
 */
export const readYolo: ReadTables = async (source, report, { masks } = {}) => {
  const { annotations: file, images: folder = source.annotations, names } = source;
  const builder = new TableBuilder({ file, report, masks, names, where });
  const images = await yoloImages(source, report);
  const read = async ({ fileName, label }: YoloImage): Promise<YoloPart> => ({
    size: await imageSizeOf(folder, fileName, { range: source.range }),
    lines:
      label === undefined
        ? []
        : errorAsValueSync(() => readYoloLabels(readText(label, 'a label file'))),
  });
  await readInOrder(images, read, (part, image) => {
    addImage(builder, part, image, join(folder, image.fileName), report);
  });
  return builder.finish();
};

/** An image and its label file, if there is one. */
export interface YoloImage {
  /** Relative to the folder of the images. */
  readonly fileName: string;
  readonly label: string | undefined;
}

interface YoloPart {
  readonly size: Size | DataError;
  readonly lines: readonly (YoloObject | YoloProblem)[] | DataError;
}

function addImage(
  builder: TableBuilder,
  { size, lines }: YoloPart,
  { fileName, label }: YoloImage,
  path: string,
  report: Report,
): void {
  if (size instanceof DataError) {
    report({ code: 'imageUnreadable', file: path, message: ownMessage(size) });
    return;
  }
  const { width, height } = size;
  builder.addImage({ fileName, width, height, file: label ?? path });
  if (label === undefined) {
    report({ code: 'labelMissing', file: path, message: 'no label file' });
    return;
  }
  if (lines instanceof DataError) {
    report({ code: 'schema', file: label, message: ownMessage(lines) });
    return;
  }
  for (const entry of lines)
    if ('problem' in entry) builder.issueAt('schema', entry.line, entry.problem);
    else addObject(builder, entry, size);
}

function addObject(
  builder: TableBuilder,
  { line, classIndex, shape }: YoloObject,
  { width, height }: Size,
): void {
  const object = { position: line, label: classIndex };
  const values = shape.kind === 'box' ? shape.box : shape.points;
  const outside = values.find((value) => value < 0 || value > 1);
  if (outside !== undefined)
    builder.issueAt('valueOutside', line, `expected positions from 0 to 1, got ${outside}`);
  if (shape.kind === 'box') {
    const [cx, cy, w, h] = shape.box;
    const box = [(cx - w / 2) * width, (cy - h / 2) * height, w * width, h * height] as const;
    builder.addObject({ ...object, box });
  } else {
    const polygon = shape.points.map((value, i) => value * (i % 2 === 0 ? width : height));
    builder.addObject({ ...object, polygons: [polygon] });
  }
}

/** Finds the images of a source and their label files. Listed images that do not exist are reported. */
export async function yoloImages(
  source: AnnotationSource,
  report: Report = () => undefined,
): Promise<readonly YoloImage[]> {
  const { annotations, images: folder = annotations, list, folders } = source;
  if (list !== undefined)
    return listedImages(list, folder, report).map(({ full, fileName }) => ({
      fileName,
      label: labelOf(full),
    }));
  if (folders) {
    const found = folders.flatMap((part) =>
      listFiles(join(folder, part), isImageName).map((path) => `${part}/${path}`),
    );
    return [...new Set(found)]
      .sort()
      .map((fileName) => ({ fileName, label: labelOf(join(folder, fileName)) }));
  }
  const isLabel = (name: string): boolean =>
    /\.txt$/i.test(name) && !NO_LABELS.has(name.toLowerCase());
  const labels = new Map(
    listFiles(annotations, isLabel).map((path) => [withoutExtension(path), path]),
  );
  const paths = listFiles(folder, isImageName);
  const alone = new Map(labels);
  for (const path of paths) alone.delete(withoutExtension(path));
  const renamed = byImage(alone);
  const found = paths.map((fileName) => {
    const stem = withoutExtension(fileName);
    const label = labels.get(stem) ?? renamed.get(imageOfLabel(stem));
    if (label === undefined) return { fileName, label };
    const own = withoutExtension(label);
    const file = join(annotations, label);
    if (alone.delete(own) && beforeUpload(own) !== stem)
      report({ code: 'imageRenamed', file, message: `its image is ${quote(fileName)}` });
    return { fileName, label: file };
  });
  // Beside the images there may be other text files.
  if (folder !== annotations) {
    for (const path of alone.values())
      report({
        code: 'labelAlone',
        file: join(annotations, path),
        message: 'expected an image of this name, got none',
      });
  }
  return found;
}

/** Label files without an image of their name, by {@link imageOfLabel}; none where several have the same. */
function byImage(labels: ReadonlyMap<string, string>): ReadonlyMap<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const [stem, path] of labels) {
    const key = imageOfLabel(stem);
    found.set(key, found.has(key) ? undefined : path);
  }
  return found;
}

/**
 * Loose name of the image of a label file: as it was before an upload to Label Studio, in another case or Unicode form, or
 * with the extension of the image (`a.jpg.txt`).
 *
 * @param stem path without extension
 */
export function imageOfLabel(stem: string): string {
  const own = beforeUpload(stem);
  return (isImageName(own) ? withoutExtension(own) : own).normalize('NFC').toLowerCase();
}

/** The label file of an image: in the folder `labels` instead of `images` or, as darknet has it, `JPEGImages`, or beside it. */
export function labelOf(image: string): string | undefined {
  const beside = `${withoutExtension(image)}.txt`;
  const parts = beside.split(/[/\\]/);
  const at = parts.findLastIndex((part) => /^(jpeg)?images$/i.test(part));
  const other = at < 0 ? [] : [[...parts.slice(0, at), 'labels', ...parts.slice(at + 1)].join('/')];
  return [...other, beside].find((path) => existsSync(path));
}
