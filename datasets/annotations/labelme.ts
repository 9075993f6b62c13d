import { join, posix } from 'node:path';
import type { Size } from '../../core/boxes.js';
import { outlineOf, type DrawnRegion } from '../../core/drawn-region.js';
import { AnnotationsError, DataError, quote } from '../../core/errors.js';
import { listFiles } from '../../io/files/list.js';
import { decodeJson } from '../../io/files/json.js';
import { readBytes } from '../../io/files/read.js';
import { isLabelMe, readLabelMe, type LabelMeFile } from '../../io/labelme/read.js';
import { errorAsValue } from '../problems.js';
import { DrawnImages, type DrawnImage, type DrawnObject } from './drawn-objects.js';
import { ImageIndex, insteadOf, withoutExtension } from './image-index.js';
import { imageSizeOf, sizeIssue } from './image-size.js';
import { readInOrder } from './in-order.js';
import { ownMessage } from './own-message.js';
import type { AnnotationSource, ReadTables } from './source.js';
import { TableBuilder } from './table-builder.js';

/** Place of a shape; it outlives the reading, so that it must hold nothing else. */
const where = (position: number): string => `shapes[${position}]`;

/**
 * Reads a folder of LabelMe files, recursively. Shapes of one label and group are one object; points and lines are left
 * out. An image is the file that `imagePath` names, or has the name of the annotation file, or else is embedded in it.
 */
export const readLabelMeFolder: ReadTables = async (
  { annotations: folder, images: imageFolder = folder, names, range },
  report,
  { masks } = {},
) => {
  const index = ImageIndex.of(imageFolder);
  const below = posix.relative(imageFolder, folder);
  const prefix = below.startsWith('..') ? '' : below;
  const builder = new TableBuilder({ file: folder, report, masks, names, where });
  const images = new DrawnImages(builder);
  const used = new Set<string>();
  const read = async (path: string): Promise<DrawnImage | DataError | undefined> => {
    const image = await errorAsValue(
      readFile(join(folder, path), posix.join(below, path), { index, imageFolder, range }),
    );
    const isOther = image instanceof DataError && index.find(withoutExtension(path)) === undefined;
    return isOther && (await isOtherJson(join(folder, path))) ? undefined : image;
  };
  await readInOrder(labelMeFiles(folder), read, (image, path) => {
    const file = join(folder, path);
    if (image === undefined) {
      report({ code: 'fileOther', file, message: 'expected a LabelMe file, got other JSON' });
      return;
    }
    if (image instanceof DataError) {
      const isImage = image.file !== file;
      report({ code: isImage ? 'imageMissing' : 'schema', file, message: ownMessage(image) });
      return;
    }
    used.add(image.fileName);
    images.add(image);
  });
  images.flush();
  for (const path of index.paths)
    if (!used.has(path) && path.startsWith(prefix))
      report({
        code: 'imageUnlabeled',
        file: join(imageFolder, path),
        message: 'expected a LabelMe file of its name, got none',
      });
  return builder.finish();
};

/** Paths of the LabelMe files below a folder. */
export function labelMeFiles(folder: string): readonly string[] {
  return listFiles(folder, (name) => /\.json$/i.test(name));
}

/** Whether a file is JSON of another kind, such as the settings of an editor. */
async function isOtherJson(file: string): Promise<boolean> {
  const content = await errorAsValue(
    readBytes(file).then((bytes) => decodeJson(bytes, file, 'a LabelMe file')),
  );
  return !(content instanceof DataError) && !isLabelMe(content);
}

interface ImagePlace {
  readonly index: ImageIndex;
  readonly imageFolder: string;
  readonly range: AnnotationSource['range'];
}

async function readFile(
  file: string,
  path: string,
  { index, imageFolder, range }: ImagePlace,
): Promise<DrawnImage> {
  const content = readLabelMe(await readBytes(file), file);
  const { imagePath, imageData, width, height, marks } = content;
  const named = imagePath && index.at(posix.join(posix.dirname(path), imagePath));
  const image = named ?? index.find(withoutExtension(path), imagePath);
  if (image === undefined && imageData === undefined)
    throw new AnnotationsError(
      `expected its image ${imagePath ?? withoutExtension(path)}, got ${insteadOf(imagePath ?? '')}`,
    );
  const fileName = image ?? path; // embedded images are read from the annotation file
  const size = await imageSizeOf(imageFolder, fileName, { listed: { width, height }, range });
  if (size instanceof DataError) throw size;
  const objects = objectsOf(content);
  const leaves = content.shapes.some(({ region }) => leavesImage(region, size));
  const issue = sizeIssue(size, { width, height }, { name: fileName, leaves });
  return {
    fileName,
    width: size.width,
    height: size.height,
    file,
    objects,
    issue: issue && { code: issue.code, message: `imageWidth, imageHeight: ${issue.message}` },
    issues: marks.map(({ position, label, type }) => ({
      code: 'shapeIgnored',
      position,
      message: `${quote(label)}: expected a shape with an area, got a ${type}`,
    })),
  };
}

/** Whether a shape reaches beyond the right or lower border. */
function leavesImage(region: DrawnRegion, { width, height }: Size): boolean {
  if (region.kind === 'mask') return false; // placed by whole pixels, which is checked
  const points = outlineOf(region);
  return points.some((value, i) => value > (i % 2 === 0 ? width : height) + 1);
}

/** Joins the parts of objects: shapes of the same label and group. */
function objectsOf({ shapes }: LabelMeFile): readonly DrawnObject[] {
  const objects = new Map<string, DrawnObject & { readonly regions: DrawnRegion[] }>();
  for (const { position, label, group, region } of shapes) {
    const key = JSON.stringify(group === undefined ? [position] : [label, group]);
    const known = objects.get(key);
    if (known) known.regions.push(region);
    else objects.set(key, { position, label, regions: [region] });
  }
  return [...objects.values()];
}
