import { join, posix } from 'node:path';
import { AnnotationsError, DataError } from '../../core/errors.js';
import { listFiles } from '../../io/files/list.js';
import { readBytes } from '../../io/files/read.js';
import { maskInstances, type MaskInstance } from '../../io/png/instances.js';
import { CITYSCAPES_THINGS } from '../classes/cityscapes.js';
import { numbersInPng } from '../label-numbers.js';
import { imageKey, isMaskName, maskKey } from '../mask-names.js';
import { errorAsValue } from '../problems.js';
import { ImageIndex, withoutExtension } from './image-index.js';
import { imageSizeOf } from './image-size.js';
import { readInOrder } from './in-order.js';
import { ownMessage } from './own-message.js';
import type { AnnotationSource, ReadTables } from './source.js';
import { TableBuilder } from './table-builder.js';

/** Place of an object; it outlives the reading, so that it must hold nothing else. */
const where = (value: number): string => `value ${value}`;

/** Remedy for masks with colors. */
const COLORS_REMEDY = 'write the number of its object into each pixel, 0 for none';

/** Value of what was drawn, in masks that tell only foreground from background. */
const BINARY = 255;

/** Class of all objects where values are only numbers of objects. */
const ONLY_CLASS = 'object';

/**
 * Reads a folder of PNGs whose values tell the objects of an image apart; 0 is the background. Either every value is an
 * object of one class, or, with `classNumbers`, a value is class · 1000 + number: smaller values of a class are a group
 * that is ignored, and those of other classes are background.
 */
export const readInstanceMasks: ReadTables = async (source, report, { masks } = {}) => {
  const { annotations: folder, images: imageFolder = folder } = source;
  const isCityscapes = source.classNumbers === 'cityscapes';
  const classNumbers =
    source.classNumbers === 'cityscapes' ? CITYSCAPES_THINGS.numbers : source.classNumbers;
  const names = source.names ?? (isCityscapes ? CITYSCAPES_THINGS.names : [ONLY_CLASS]);
  const builder = new TableBuilder({ file: folder, report, masks, names, where });
  const index = ImageIndex.of(imageFolder);
  const used = new Set<string>();
  const values = new Set<number>();
  const imageOf = imageFinder(index);
  await readInOrder(
    maskFiles(folder, classNumbers !== undefined),
    async (path) => readPart(join(folder, path), imageOf(path), source),
    (part, path) => {
      const file = join(folder, path);
      if (part instanceof DataError) {
        const code = part.file === file ? 'schema' : 'imageUnreadable';
        report({ code, file, message: ownMessage(part) });
        return;
      }
      if (part.image === undefined) {
        report({ code: 'labelAlone', file, message: 'expected an image of its name, got none' });
        return;
      }
      const { image, width, height, instances } = part;
      used.add(image);
      builder.addImage({ fileName: image, width, height, file });
      for (const instance of instances) {
        values.add(instance.value);
        addInstance(builder, instance, classNumbers, isCityscapes);
      }
    },
  );
  if (values.size === 1 && values.has(BINARY) && used.size > 1)
    report({
      code: 'maskBinary',
      file: folder,
      message: `expected a value for each object, got ${BINARY} alone; number the objects of an image, or learn classes of pixels with --task segment`,
    });
  for (const path of index.paths)
    if (!used.has(path) && !isMaskName(withoutExtension(path)))
      report({
        code: 'imageUnlabeled',
        file: join(imageFolder, path),
        message: 'expected a mask of its name, got none',
      });
  return builder.finish();
};

/** Paths of the masks below a folder. @param isNumbered whether only those of Cityscapes' names are masks */
export function maskFiles(folder: string, isNumbered: boolean): readonly string[] {
  return listFiles(folder, (name) => (isNumbered ? /_instanceIds\.png$/i : /\.png$/i).test(name));
}

/** Creates a function that finds the image of a mask by its path without the usual ends of names. */
export function imageFinder(
  index: Pick<ImageIndex, 'paths'>,
): (path: string) => string | undefined {
  const byPath = new Map<string, string>();
  const byName = new Map<string, string>();
  for (const path of index.paths) {
    const stem = withoutExtension(path);
    if (isMaskName(stem)) continue; // masks beside their images
    const key = imageKey(stem);
    byPath.set(key, path);
    byName.set(posix.basename(key), path);
  }
  return (path) => {
    const stem = withoutExtension(path).normalize('NFC');
    const key = maskKey(stem);
    return (
      byPath.get(stem) ??
      byPath.get(key) ??
      byName.get(posix.basename(stem)) ??
      byName.get(posix.basename(key))
    );
  };
}

interface MaskPart {
  readonly image: string | undefined;
  readonly width: number;
  readonly height: number;
  readonly instances: readonly MaskInstance[];
}

async function readPart(
  file: string,
  image: string | undefined,
  { annotations, images: imageFolder = annotations, range }: AnnotationSource,
): Promise<MaskPart | DataError> {
  return errorAsValue(
    (async () => {
      const png = numbersInPng(await readBytes(file), file, COLORS_REMEDY);
      const { width, height } = png;
      const size =
        image === undefined ? png : await imageSizeOf(imageFolder, image, { listed: png, range });
      if (size instanceof DataError) throw size;
      if (size.width !== width || size.height !== height)
        throw AnnotationsError.in(
          file,
          `expected ${size.width}x${size.height} of ${image ?? ''}, got ${width}x${height}`,
        );
      return { image, width, height, instances: maskInstances(png, file) };
    })(),
  );
}

function addInstance(
  builder: TableBuilder,
  { value, box, mask: rle }: MaskInstance,
  classNumbers: readonly number[] | undefined,
  isCityscapes: boolean,
): void {
  if (classNumbers === undefined) {
    builder.addObject({ position: value, label: 0, box, rle });
    return;
  }
  const crowd = value < 1000;
  const label = classNumbers.indexOf(crowd ? value : Math.floor(value / 1000));
  if (label >= 0) builder.addObject({ position: value, label, box, rle, crowd });
  else if (!crowd)
    builder.issueAt(
      isCityscapes ? 'shapeIgnored' : 'unknownCategory',
      value,
      `expected one of the classes ${classNumbers.join(', ')} times 1000, got ${value}`,
    );
}
