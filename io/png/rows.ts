import { inflateSync } from 'node:zlib';
import { AnnotationsError } from '../../core/errors.js';
import { MAX_PIXELS } from '../../core/image.js';
import type { PngParts } from './chunks.js';

/** Offset and distance of the columns and rows of the seven passes of interlaced files. */
const PASSES = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];

/** Checks the size before memory is taken. @throws DataError for more pixels than images may have */
export function assertPngSize({ width, height }: PngParts, file: string): void {
  if (width * height > MAX_PIXELS)
    throw AnnotationsError.in(
      file,
      `expected at most ${MAX_PIXELS} pixels, got ${width}x${height}`,
    );
}

/** Bytes of a row of pixels, without its filter. */
export interface PngRow {
  readonly line: Uint8Array;
  /** Number of pixels in it. */
  readonly columns: number;
  /** Position of its first pixel in the picture, counted row by row, and distance of the next one. */
  readonly start: number;
  readonly step: number;
}

/**
 * Reads the rows of a PNG's pixels, also of an interlaced one. No more is decompressed than the header says.
 *
 * @param numChannels numbers per pixel
 * @param use gets every row, whose bytes are valid until it returns
 * @throws DataError for pixels that are damaged, or more or fewer than the header says
 * @see https://www.w3.org/TR/png-3/#7Filtering
 */
export function readPngRows(
  parts: PngParts,
  numChannels: number,
  file: string,
  use: (row: PngRow) => void,
): void {
  const { width, height, bitDepth } = parts;
  const passes = parts.interlaced
    ? PASSES.map((pass) => ({
        ...pass,
        columns: Math.ceil((width - pass.x) / pass.dx),
        rows: Math.ceil((height - pass.y) / pass.dy),
      })).filter(({ columns, rows }) => columns > 0 && rows > 0)
    : [{ x: 0, y: 0, dx: 1, dy: 1, columns: width, rows: height }];
  const pixelBits = numChannels * bitDepth;
  const rowBytes = (columns: number): number => Math.ceil((columns * pixelBits) / 8);
  const size = passes.reduce((sum, { columns, rows }) => sum + rows * (1 + rowBytes(columns)), 0);
  const raw = inflate(parts, size, file);
  let at = 0;
  for (const { x, y, dx, dy, columns, rows } of passes) {
    const stride = 1 + rowBytes(columns);
    const block = raw.subarray(at, (at += rows * stride));
    unfilter(block, stride, rows, Math.ceil(pixelBits / 8), file);
    for (let row = 0; row < rows; row++) {
      const line = block.subarray(row * stride + 1, (row + 1) * stride);
      use({ line, columns, start: (y + row * dy) * width + x, step: dx });
    }
  }
}

function inflate({ data }: PngParts, size: number, file: string): Uint8Array {
  let raw: Uint8Array;
  try {
    // One byte more than expected is enough to detect excess data.
    raw = inflateSync(data.length === 1 ? data[0] : Buffer.concat(data), {
      maxOutputLength: size + 1,
    });
  } catch (cause) {
    const tooMuch = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const got = tooMuch ? 'more' : `damaged data (${(cause as Error).message})`;
    throw AnnotationsError.in(file, `expected ${size} bytes of pixels, got ${got}`, { cause });
  }
  if (raw.length !== size)
    throw AnnotationsError.in(file, `expected ${size} bytes of pixels, got ${raw.length}`);
  return raw;
}

/**
 * Undoes the filters in place. Each row is a filter byte and `stride − 1` bytes; `bpp` is the number of bytes per pixel,
 * at least 1.
 */
function unfilter(raw: Uint8Array, stride: number, rows: number, bpp: number, file: string): void {
  for (let row = 0; row < rows; row++) {
    const start = row * stride + 1;
    const end = start + stride - 1;
    const filter = raw[start - 1];
    if (filter > 4) throw AnnotationsError.in(file, `expected a filter from 0 to 4, got ${filter}`);
    // Zeros above the first row: then "up" changes nothing, and Paeth takes the left neighbor.
    if (filter === 1 || (filter === 4 && row === 0)) addLeft(raw, start, end, bpp);
    else if (filter === 2 && row > 0) addUp(raw, start, end, stride);
    else if (filter === 3) addMean(raw, start, end, bpp, row === 0 ? 0 : stride);
    else if (filter === 4) addPaeth(raw, start, end, bpp, stride);
  }
}

function addLeft(raw: Uint8Array, start: number, end: number, bpp: number): void {
  for (let i = start + bpp; i < end; i++) raw[i] += raw[i - bpp];
}

function addUp(raw: Uint8Array, start: number, end: number, stride: number): void {
  for (let i = start; i < end; i++) raw[i] += raw[i - stride];
}

/** @param stride 0 in the first row */
function addMean(raw: Uint8Array, start: number, end: number, bpp: number, stride: number): void {
  for (let i = start; i < end; i++) {
    const left = i < start + bpp ? 0 : raw[i - bpp];
    raw[i] += (left + (stride === 0 ? 0 : raw[i - stride])) >> 1;
  }
}

/**
 * Paeth filter: adds whichever of left, up and upper left is nearest to `left + up − upperLeft`, which is up in the first
 * column.
 */
function addPaeth(raw: Uint8Array, start: number, end: number, bpp: number, stride: number): void {
  const inside = Math.min(start + bpp, end);
  for (let i = start; i < inside; i++) raw[i] += raw[i - stride];
  for (let i = inside; i < end; i++) {
    const left = raw[i - bpp];
    const up = raw[i - stride];
    const upperLeft = raw[i - stride - bpp];
    const toLeft = Math.abs(up - upperLeft);
    const toUp = Math.abs(left - upperLeft);
    const toUpperLeft = Math.abs(left + up - 2 * upperLeft);
    if (toLeft <= toUp && toLeft <= toUpperLeft) raw[i] += left;
    else raw[i] += toUp <= toUpperLeft ? up : upperLeft;
  }
}
