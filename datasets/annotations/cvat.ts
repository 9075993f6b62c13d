import type { Size } from '../../core/boxes.js';
import { DataError } from '../../core/errors.js';
import { grouped } from '../../core/grouped.js';
import { encodeRle, type Rle } from '../../core/rle.js';
import { readCvat, type CvatImage, type CvatShape } from '../../io/cvat/read.js';
import { ImageIndex, withoutExtension } from './image-index.js';
import { imageSizeOf } from './image-size.js';
import { placeMask } from './place-mask.js';
import type { ReadTables } from './source.js';
import { TableBuilder, type TableObject } from './table-builder.js';

/** Place of a shape; it outlives the reading, so that it must hold nothing else. */
const where = (position: number, fileName: string): string =>
  `image "${fileName}": shape[${position}]`;

/**
 * Reads a file of CVAT 1.1 for images. Classes are numbered in the order of the file's labels. Shapes other than boxes,
 * polygons and masks are noted and left out.
 */
export const readCvatTables: ReadTables = async (source, report, { masks } = {}) => {
  const { annotations: file, images: folder, subset } = source;
  const index = ImageIndex.of(folder);
  const labels: string[] = [];
  const images: CvatImage[] = [];
  await readCvat(file, {
    label: (name) => labels.push(name),
    image: (image) => {
      if (subset === undefined || image.subset === subset) images.push(image);
    },
  });
  const names = source.names ?? (labels.length > 0 ? labels : undefined);
  const builder = new TableBuilder({ file, report, masks, names, where });
  for (const image of images) {
    const found = cvatImageFile(index, image);
    const hasSize = image.width > 0 && image.height > 0;
    const size = hasSize || found === undefined ? image : await imageSizeOf(folder ?? '', found);
    if (size instanceof DataError || size.width === 0 || size.height === 0) {
      const message = `image "${image.name}": expected its width and height, got none`;
      report({ code: 'schema', file, message });
      continue;
    }
    builder.addImage({ fileName: found ?? image.name, width: size.width, height: size.height });
    const groups = groupsOf(image.shapes);
    image.shapes.forEach((shape, position) => {
      const group = shape.kind === 'polygon' ? groups.get(groupOf(shape)) : undefined;
      if (group === undefined) addShape(builder, shape, position, size);
      else if (group[0] === shape)
        builder.addObject({
          position,
          label: group[0].label,
          polygons: group.map(({ points }) => points),
        });
    });
  }
  return builder.finish();
};

/** Finds the file of an image, which may be in a folder of its subset. */
export function cvatImageFile(
  index: ImageIndex,
  { name, subset }: Pick<CvatImage, 'name' | 'subset'>,
): string | undefined {
  return (
    index.at(`${subset}/${name}`) ?? index.at(name) ?? index.find(withoutExtension(name), name)
  );
}

type CvatPolygon = Extract<CvatShape, { readonly kind: 'polygon' }>;

/** Polygons of one label that are parts of an object, by group. */
function groupsOf(shapes: readonly CvatShape[]): ReadonlyMap<string, readonly CvatPolygon[]> {
  const parts = shapes.filter((shape) => shape.kind === 'polygon');
  return grouped(
    parts.filter(({ group }) => group !== 0),
    groupOf,
  );
}

const groupOf = ({ group, label }: CvatPolygon): string => `${group} ${label}`;

function addShape(builder: TableBuilder, shape: CvatShape, position: number, size: Size): void {
  switch (shape.kind) {
    case 'invalid':
      builder.issueAt('schema', position, shape.problem);
      break;
    case 'other':
      builder.issueAt('shapeIgnored', position, `a shape "${shape.name}"`);
      break;
    case 'box': {
      if (shape.rotation !== 0)
        builder.issueAt('boxRotated', position, `rotation: expected 0, got ${shape.rotation}`);
      builder.addObject({ position, label: shape.label, box: uprightBox(shape) });
      break;
    }
    case 'polygon':
      builder.addObject({ position, label: shape.label, polygons: [shape.points] });
      break;
    case 'mask': {
      const rle = maskOf(shape, size);
      if (typeof rle === 'string') builder.issueAt('rleRuns', position, rle);
      else builder.addObject({ position, label: shape.label, rle });
      break;
    }
    default:
      shape satisfies never;
  }
}

/** The upright box around a box that may be rotated. */
function uprightBox({
  corners: [x1, y1, x2, y2],
  rotation,
}: Extract<CvatShape, { readonly kind: 'box' }>): NonNullable<TableObject['box']> {
  const [cos, sin] = [Math.cos, Math.sin].map((f) => Math.abs(f((rotation * Math.PI) / 180)));
  const [w, h] = [Math.abs(x2 - x1), Math.abs(y2 - y1)];
  if (rotation === 0) return [Math.min(x1, x2), Math.min(y1, y2), w, h];
  const [width, height] = [w * cos + h * sin, w * sin + h * cos];
  return [(x1 + x2 - width) / 2, (y1 + y2 - height) / 2, width, height];
}

/** Largest rectangle of a mask, pixels. */
const MAX_MASK_PX = 2 ** 28;

/** Moves a mask, whose runs go row by row through its rectangle, to the image. @returns a message if it does not fit */
function maskOf(
  { left, top, width, height, runs }: Extract<CvatShape, { readonly kind: 'mask' }>,
  image: Size,
): Rle | string {
  const isWhole = [left, top, width, height, ...runs].every(
    (value) => Number.isInteger(value) && value >= 0,
  );
  if (!isWhole) return 'mask: expected whole numbers from 0, got others';
  if (left + width > image.width || top + height > image.height)
    return `mask: expected a rectangle inside ${image.width}x${image.height}, got ${width}x${height} at ${left}, ${top}`;
  const sum = runs.reduce((total, run) => total + run, 0);
  if (sum !== width * height || sum > MAX_MASK_PX)
    return `mask: expected runs of ${width} x ${height} = ${width * height} pixels, got ${sum}`;
  const pixels = new Uint8Array(sum);
  let at = 0;
  runs.forEach((run, i) => {
    if (i % 2 === 1) pixels.fill(1, at, at + run);
    at += run;
  });
  return placeMask(encodeRle(pixels, height, width), left, top, image);
}
