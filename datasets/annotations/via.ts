import { DataError, quote } from '../../core/errors.js';
import { readBytes } from '../../io/files/read.js';
import { classAttribute, readVia, type ViaFile, type ViaImage } from '../../io/via/read.js';
import { DrawnImages, type DrawnImage, type DrawnObject } from './drawn-objects.js';
import { ImageIndex, insteadOf } from './image-index.js';
import { imageSizeOf } from './image-size.js';
import { readInOrder } from './in-order.js';
import { ownMessage } from './own-message.js';
import type { ReadTables } from './source.js';
import { TableBuilder } from './table-builder.js';

/** Class of all regions where none has an attribute. */
const ONLY_CLASS = 'object';

/** Reads a project or the exported annotations of VIA. Polylines and points are left out. */
export const readViaFile: ReadTables = async (source, report, { masks } = {}) => {
  const { annotations: file, images: imageFolder = '', names, range } = source;
  const via = readVia(await readBytes(file), file);
  const attribute = classAttribute(via, file, source.classAttribute);
  const index = ImageIndex.of(imageFolder);
  const positions: string[] = []; // of the regions of all images, because keys of version 1 are texts
  const builder = new TableBuilder({
    file,
    report,
    masks,
    names: names ?? optionNames(via, attribute),
    where: whereIn(positions),
  });
  const images = new DrawnImages(builder);
  const sizeOf = async ({ fileName }: ViaImage): Promise<FoundImage | undefined> => {
    const found = index.find('', fileName);
    return found === undefined
      ? undefined
      : { fileName: found, size: await imageSizeOf(imageFolder, found, { range }) };
  };
  await readInOrder(via.images, sizeOf, (found, image) => {
    const key = quote(image.key);
    if (found === undefined) {
      const message = `${key}: expected the image ${image.fileName} in ${imageFolder}, got ${insteadOf(image.fileName)}`;
      report({ code: 'imageMissing', file, message });
    } else if (found.size instanceof DataError)
      report({ code: 'imageUnreadable', file, message: `${key}: ${ownMessage(found.size)}` });
    else images.add({ ...found, ...found.size, ...drawnOf(image, attribute, positions) });
  });
  images.flush();
  return builder.finish();
};

/** Place of a region; it outlives the reading, so that it must hold nothing else. */
function whereIn(positions: readonly string[]): (position: number, fileName: string) => string {
  return (position, name) => `${quote(name)}: ${positions[position]}`;
}

interface FoundImage {
  readonly fileName: string;
  readonly size: Awaited<ReturnType<typeof imageSizeOf>>;
}

/** Names of the classes in the order of the options; undefined if the attribute has none. */
function optionNames(
  { images, options }: ViaFile,
  attribute: string | undefined,
): readonly string[] | undefined {
  const listed = attribute === undefined ? undefined : options.get(attribute);
  if (attribute === undefined || listed === undefined) return undefined;
  // Regions may keep an option that was removed later.
  const used = images.flatMap(({ regions }) =>
    regions.map(({ attributes }) => attributes[attribute] ?? ''),
  );
  const others = new Set(used);
  for (const name of ['', ...listed]) others.delete(name);
  return [...listed, ...[...others].sort()];
}

function drawnOf(
  { regions, problems }: ViaImage,
  attribute: string | undefined,
  positions: string[],
): Pick<DrawnImage, 'objects' | 'issues'> {
  const objects: DrawnObject[] = [];
  const issues: DrawnImage['issues'][number][] = [];
  const positionOf = (place: string): number => positions.push(place) - 1;
  for (const problem of problems) {
    const [place] = problem.split(': ', 1);
    const message = problem.slice(place.length + 2);
    issues.push({ code: 'schema', position: positionOf(place), message });
  }
  for (const { position: key, region, attributes } of regions) {
    const position = positionOf(`regions[${key}]`);
    const label = attribute === undefined ? ONLY_CLASS : (attributes[attribute] ?? '');
    if (typeof region === 'string')
      issues.push({
        code: 'shapeIgnored',
        position,
        message: `expected a shape with an area, got a ${region}`,
      });
    else if (label === '')
      issues.push({
        code: 'schema',
        position,
        message: `expected a class in the attribute ${quote(attribute)}, got none`,
      });
    else objects.push({ position, label, regions: [region] });
  }
  return { objects, issues };
}
