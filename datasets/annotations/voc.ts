import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Size } from '../../core/boxes.js';
import { DataError } from '../../core/errors.js';
import type { Report } from '../../io/coco/issues.js';
import { listFiles } from '../../io/files/list.js';
import { readBytesSync } from '../../io/files/read.js';
import { readText } from '../../io/files/text.js';
import { readVocFile, type VocFile, type VocObject } from '../../io/voc/read.js';
import { errorAsValueSync } from '../problems.js';
import { ImageIndex, insteadOf, withoutExtension } from './image-index.js';
import { imageSizeOf, leavesImage, sizeIssue } from './image-size.js';
import { readInOrder } from './in-order.js';
import { ownMessage } from './own-message.js';
import type { AnnotationSource, ReadTables } from './source.js';
import { TableBuilder, type TableObject } from './table-builder.js';

/** Place of an object; it outlives the reading, so that it must hold nothing else. */
const where = (position: number): string => `object[${position}]`;

/**
 * Reads a folder of Pascal VOC files, recursively, or those of a list as in `ImageSets/Main`. Corners are counted from 1
 * and inclusive: 1 … 500 is the box 0 … 500. Difficult objects become regions to ignore. The size of an image is that
 * of its file.
 */
export const readVoc: ReadTables = async (source, report, { masks } = {}) => {
  const { annotations: folder, images: imageFolder, names } = source;
  const builder = new TableBuilder({ file: folder, report, masks, names, where });
  const index = ImageIndex.of(imageFolder);
  const read = async (path: string): Promise<VocPart | DataError> => {
    const file = join(folder, path);
    const voc = errorAsValueSync(() => readVocFile(readBytesSync(file), file));
    if (voc instanceof DataError) return voc;
    const image = index.find(withoutExtension(path), voc.fileName);
    const size =
      image === undefined
        ? undefined
        : await imageSizeOf(imageFolder ?? '', image, { listed: voc, range: source.range });
    return { voc, image, size };
  };
  await readInOrder(await vocFiles(source, report), read, (part, path) => {
    const file = join(folder, path);
    if (part instanceof DataError) report({ code: 'schema', file, message: ownMessage(part) });
    else addFile(builder, part, { file, path, report });
  });
  return builder.finish();
};

/** Names of all classes in folders of VOC files, sorted, and the number of files; unreadable files are left out. */
export async function vocClasses(
  sources: readonly AnnotationSource[],
): Promise<{ readonly names: readonly string[]; readonly counts: readonly number[] }> {
  const found = new Set<string>();
  const counts: number[] = [];
  for (const source of sources) {
    const paths = await vocFiles(source, () => undefined);
    counts.push(paths.length);
    await readInOrder(
      paths,
      (path) => {
        const file = join(source.annotations, path);
        return Promise.resolve(errorAsValueSync(() => readVocFile(readBytesSync(file), file)));
      },
      (voc) => {
        if (voc instanceof DataError) return;
        for (const { name, problem } of voc.objects) if (problem === undefined) found.add(name);
      },
    );
  }
  return { names: [...found].sort(), counts };
}

/** A file with its image, if there is one. */
interface VocPart {
  readonly voc: VocFile;
  readonly image: string | undefined;
  readonly size: Size | DataError | undefined;
}

/** Paths of the annotation files relative to their folder; listed ones that do not exist are reported. */
async function vocFiles(
  { annotations: folder, list }: AnnotationSource,
  report: Report,
): Promise<readonly string[]> {
  if (list === undefined) return listFiles(folder, (name) => /\.xml$/i.test(name));
  const lines = readText(list, 'a list of images').split('\n');
  return lines.flatMap((line, i) => {
    const id = line.trim();
    if (id === '') return [];
    // A second column tells whether a class occurs; but names may have spaces, too.
    const ids = [id, id.replace(/\s+(-1|0|1)$/, '')];
    const paths = [...new Set(ids)].flatMap(annotationPaths);
    const path = paths.find((own) => existsSync(join(folder, own)));
    if (path !== undefined) return [path];
    const message = `line ${i + 1}: expected the file ${join(folder, paths[paths.length - 2])}, got none`;
    report({ code: 'schema', file: list, message });
    return [];
  });
}

/** Paths that the file of a listed name may have: names may have dots, and some lists have images with their folders. */
function annotationPaths(id: string): readonly string[] {
  const stem = withoutExtension(id.replaceAll('\\', '/'));
  return [`${id}.xml`, `${stem}.xml`, `${posix.basename(stem)}.xml`];
}

function addFile(
  builder: TableBuilder,
  { voc, image, size }: VocPart,
  { file, path, report }: { readonly file: string; readonly path: string; readonly report: Report },
): void {
  const hasListed = voc.width > 0 && voc.height > 0;
  if (size instanceof DataError) {
    report({ code: 'imageUnreadable', file, message: size.message });
    return;
  }
  if (size === undefined && !hasListed) {
    const named = voc.fileName || withoutExtension(path);
    report({
      code: 'imageMissing',
      file,
      message: `expected its image ${named}, got ${insteadOf(named)}`,
    });
    return;
  }
  const { width, height } = size ?? voc;
  const fileName = image ?? (voc.fileName || `${withoutExtension(path)}.jpg`);
  builder.addImage({ fileName, width, height, file });
  if (image !== undefined && voc.fileName !== '' && !isNamed(voc.fileName, image))
    report({
      code: 'nameListed',
      file,
      message: `filename: expected ${image}, got ${voc.fileName}`,
    });
  const issue =
    size &&
    sizeIssue(size, voc, {
      name: image ?? '',
      leaves: voc.objects.some(({ corners }) => leavesImage(corners, size)),
    });
  if (issue) report({ code: issue.code, file, message: `size: ${issue.message}` });
  voc.objects.forEach((object, position) => {
    if (object.problem !== undefined) builder.issueAt('schema', position, object.problem);
    else builder.addObject(tableObject(builder, object, position));
  });
}

function tableObject(
  builder: TableBuilder,
  { name, corners, difficult, polygon }: VocObject,
  position: number,
): TableObject {
  let [x1, y1, x2, y2] = corners;
  // Corners include their pixels: a box of less than one pixel ends before it begins, by less than one.
  const isReversed = (from: number, to: number): boolean => from > to && !(to > from - 1);
  if (isReversed(x1, x2) || isReversed(y1, y2)) {
    builder.issueAt(
      'boxOrder',
      position,
      `bndbox: expected min up to max, got ${corners.join(', ')}`,
    );
    [x1, x2] = [Math.min(x1, x2), Math.max(x1, x2)];
    [y1, y2] = [Math.min(y1, y2), Math.max(y1, y2)];
  }
  // Some tools count from 0: such a corner is at the border, too.
  const [left, top] = [x1, y1].map((value) => (value >= 0 && value < 1 ? 0 : value - 1));
  const box = [left, top, x2 - left, y2 - top] as const;
  return { position, label: name, box, polygons: polygon && [polygon], crowd: difficult };
}

/** Whether a path, with or without an extension, is that of an image, apart from folders. */
function isNamed(path: string, image: string): boolean {
  const [name, own] = [path, image].map((p) =>
    p.replaceAll('\\', '/').replace(/^.*\//, '').normalize('NFC'),
  );
  return [name, withoutExtension(name)].includes(withoutExtension(own));
}
