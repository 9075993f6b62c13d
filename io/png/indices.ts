import { inflateSync } from 'node:zlib';
import { assertBytes } from '../../core/arguments.js';
import { AnnotationsError } from '../../core/errors.js';
import { readPngParts, type PngParts } from './chunks.js';

/** One number per pixel, as stored: gray values are not scaled, palette images give indices. */
export interface PngIndices {
  readonly width: number;
  readonly height: number;
  /** `[H, W]`; `Uint16Array` only if the file has 16 bits. */
  readonly data: Uint8Array | Uint16Array;
  /** `[n, 3]` RGB, for palette images. */
  readonly palette?: Uint8Array | undefined;
}

/** Larger images are rejected before they are decompressed. */
const MAX_PIXELS = 178_956_970;
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

/**
 * Decodes a label PNG: gray of 1 to 16 bits or a palette. (pngjs returns palette colors, which cannot be mapped back to
 * indices if two are equal, and takes four times as long.) An index beyond the palette is a number like any other: programs that
 * write labels store 255 for ignored pixels and only the colors of the classes.
 *
 * @param file for messages
 * @throws DataError if the bytes are not a complete PNG or contain colors instead of indices
 * @see https://www.w3.org/TR/png-3/
 */
export function decodePngIndices(bytes: Uint8Array, file: string): PngIndices {
  assertBytes('decodePngIndices', 'the bytes of a PNG file', bytes);
  const parts = readPngParts(bytes, file);
  const { width, height, colorType } = parts;
  if (colorType !== 0 && colorType !== 3)
    throw AnnotationsError.in(
      file,
      `expected a label PNG with one number per pixel (gray or palette), got ${COLOR_NAMES[colorType]}; convert the colors to class indices`,
    );
  if (width * height > MAX_PIXELS)
    throw AnnotationsError.in(
      file,
      `expected at most ${MAX_PIXELS} pixels, got ${width}x${height}`,
    );
  const passes = parts.interlaced
    ? PASSES.map((pass) => ({
        ...pass,
        columns: Math.ceil((width - pass.x) / pass.dx),
        rows: Math.ceil((height - pass.y) / pass.dy),
      })).filter(({ columns, rows }) => columns > 0 && rows > 0)
    : [{ x: 0, y: 0, dx: 1, dy: 1, columns: width, rows: height }];
  const rowBytes = (columns: number): number => Math.ceil((columns * parts.bitDepth) / 8);
  const size = passes.reduce((sum, { columns, rows }) => sum + rows * (1 + rowBytes(columns)), 0);
  const raw = inflate(parts, size, file);
  const data =
    parts.bitDepth === 16 ? new Uint16Array(width * height) : new Uint8Array(width * height); // [H, W]
  let at = 0;
  for (const pass of passes) {
    const stride = 1 + rowBytes(pass.columns);
    const block = raw.subarray(at, (at += pass.rows * stride));
    unfilter(block, stride, pass.rows, parts.bitDepth === 16 ? 2 : 1, file);
    for (let row = 0; row < pass.rows; row++) {
      const line = block.subarray(row * stride + 1, (row + 1) * stride);
      const start = (pass.y + row * pass.dy) * width + pass.x;
      unpack(line, parts.bitDepth, pass.columns, data, start, pass.dx);
    }
  }
  return { width, height, data, palette: colorType === 3 ? parts.palette : undefined };
}

const COLOR_NAMES = { 2: 'RGB', 4: 'gray with alpha', 6: 'RGB with alpha' } as const;

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

/** Writes the values of a row to `data[start]`, `data[start + step]`, …. */
function unpack(
  line: Uint8Array,
  bitDepth: number,
  columns: number,
  data: Uint8Array | Uint16Array,
  start: number,
  step: number,
): void {
  if (bitDepth === 8 && step === 1) {
    data.set(line, start);
  } else if (bitDepth === 16) {
    for (let c = 0; c < columns; c++) data[start + c * step] = (line[2 * c] << 8) | line[2 * c + 1];
  } else {
    const perByte = 8 / bitDepth;
    const mask = (1 << bitDepth) - 1;
    for (let c = 0; c < columns; c++) {
      const shift = 8 - bitDepth * (1 + (c % perByte));
      data[start + c * step] = (line[Math.floor(c / perByte)] >> shift) & mask;
    }
  }
}
