import { AnnotationsError } from '../core/errors.js';
import { MAX_PIXELS, type RgbImage } from '../core/image.js';
import { rleFromPolygons } from '../core/rle-polygons.js';
import { drawRles, type Rle } from '../core/rle.js';
import { readBytes } from '../io/files/read.js';
import { readPngParts } from '../io/png/chunks.js';
import { decodePngColors } from '../io/png/colors.js';
import { decodePngIndices, type PngIndices } from '../io/png/indices.js';
import type { LabelRegions, SegmentationSample } from './sample.js';

/** A color in label PNGs and the label that it stands for. */
export interface LabelColor {
  /** 0–255. */
  readonly rgb: readonly [number, number, number];
  readonly label: number;
}

/**
 * Reads the labels of a sample as numbers: those of its file, or those that colors stand for, or drawn from regions in
 * their order, later ones over earlier ones, on label 0.
 *
 * @param colors of the label PNGs, if the labels are colors
 * @throws DataError if the file is unreadable, has an unknown color, or colors without a table
 */
export async function labelNumbers(
  {
    labelFile: file,
    labels,
    regions,
  }: Pick<SegmentationSample, 'labelFile' | 'labels' | 'regions'>,
  colors?: readonly LabelColor[],
): Promise<PngIndices> {
  if (labels) return labels;
  if (regions) return drawRegions(regions, file);
  const bytes = await readBytes(file);
  return colors
    ? numbersOfColors(decodePngColors(bytes, file), colors, file)
    : numbersInPng(
        bytes,
        file,
        'write in data.yaml which class each one is: colors: {NAME: [R, G, B], …}',
      );
}

/**
 * Reads the numbers of a PNG: gray, a palette, or three equal channels, as some programs save gray.
 *
 * @param remedy for colors
 * @throws DataError for a damaged file, and for colors
 */
export function numbersInPng(bytes: Uint8Array, file: string, remedy: string): PngIndices {
  const { colorType } = readPngParts(bytes, file);
  return colorType === 0 || colorType === 3
    ? decodePngIndices(bytes, file)
    : numbersOfGray(decodePngColors(bytes, file), file, remedy);
}

function drawRegions({ width, height, objects }: LabelRegions, file: string): PngIndices {
  if (width * height > MAX_PIXELS)
    throw AnnotationsError.in(
      file,
      `expected an image of at most ${MAX_PIXELS} pixels, got ${width}x${height}`,
    );
  const data = new Uint8Array(width * height); // [H, W]
  function* masks(): Generator<{ readonly mask: Rle; readonly value: number }> {
    for (const { label: value, mask } of objects)
      if (mask.kind === 'rle') yield { mask, value };
      else if (mask.kind === 'polygons')
        yield { mask: rleFromPolygons(mask.polygons, height, width), value };
  }
  drawRles(data, { height, width }, masks());
  return { width, height, data };
}

function numbersOfColors(
  { width, height, data }: RgbImage,
  colors: readonly LabelColor[],
  file: string,
): PngIndices {
  const labelOf = new Map(
    colors.map(({ rgb: [r, g, b], label }) => [(r << 16) | (g << 8) | b, label]),
  );
  const numbers = new Uint8Array(width * height); // [H, W]
  let [last, label] = [-1, 0]; // neighbors mostly have the same color
  for (let i = 0, p = 0; i < numbers.length; i++, p += 3) {
    const color = (data[p] << 16) | (data[p + 1] << 8) | data[p + 2];
    if (color !== last) {
      const found = labelOf.get(color);
      if (found === undefined)
        throw AnnotationsError.in(
          file,
          `expected one of the ${colors.length} colors of the classes, got [${data.subarray(p, p + 3).join(', ')}] at pixel (${i % width}, ${Math.floor(i / width)})`,
        );
      [last, label] = [color, found];
    }
    numbers[i] = label;
  }
  return { width, height, data: numbers };
}

function numbersOfGray(
  { width, height, data }: RgbImage,
  file: string,
  remedy: string,
): PngIndices {
  const numbers = new Uint8Array(width * height); // [H, W]
  for (let i = 0, p = 0; i < numbers.length; i++, p += 3) {
    if (data[p] !== data[p + 1] || data[p] !== data[p + 2])
      throw AnnotationsError.in(
        file,
        `expected a label PNG with one number per pixel (gray or palette), got colors: ${colorsIn(data)}; ${remedy}`,
      );
    numbers[i] = data[p];
  }
  return { width, height, data: numbers };
}

/** The first colors of a picture, for messages. */
function colorsIn(data: Uint8Array): string {
  const found = new Set<string>();
  for (let p = 0; p < data.length && found.size <= 5; p += 3)
    found.add(`[${data.subarray(p, p + 3).join(', ')}]`);
  const shown = [...found].slice(0, 5).join(', ');
  return found.size > 5 ? `${shown}, …` : shown;
}
