import { allocateBands, computeBands, type Bands } from './boxes-bands.js';
import { numBoxes, type Boxes, type Size } from './boxes.js';
import { ConfigError, DataError, ShapeError } from './errors.js';
import { rleFromPolygons } from './rle-polygons.js';

/** Mask of one object: polygons in pixels, run lengths (column-major), or a bitmap (row-major, 0 is background). */
export type MaskSource =
  | { readonly kind: 'none' }
  | { readonly kind: 'polygons'; readonly polygons: readonly ArrayLike<number>[] }
  | ({ readonly kind: 'rle'; readonly counts: Uint32Array } & Size)
  | ({ readonly kind: 'bitmap'; readonly data: Uint8Array } & Size);

/** Mapping from the pixels of the network's input to the pixels of the original image, which the masks refer to. */
export interface MaskGrid {
  /** Size of the original image: polygons are rasterized at this size; run lengths and bitmaps have it. */
  readonly source: Size;
  /** `int32`: source row of every row of the input, −1 for padding. Rows missing at the end are padding too. */
  readonly rows: Int32Array;
  /** `int32`: source column of every column of the input. */
  readonly columns: Int32Array;
}

/** Options of mask head targets. */
interface MaskTargetOptions {
  /** Side of the targets, 28. */
  readonly maskSize: number;
  /** Size of the network's input with padding: boxes are clipped to it. */
  readonly canvas: Size;
  readonly grid: MaskGrid;
}

/** Creates the grid of masks that have the size of the input without padding. */
export function identityGrid(source: Size): MaskGrid {
  const ramp = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i);
  return { source, rows: ramp(source.height), columns: ramp(source.width) };
}

/**
 * Computes the mask head's targets for positive boxes: RoIAlign of the object's bitmap (scale 1, adaptive sampling,
 * aligned) on the box clipped to the input, then 1 where the mean is at least ½. Only the pixels under a box are
 * read, through the grid that stands for resizing, flipping and cropping; no bitmap of the whole input is built.
 *
 * @param boxes `[P, 4]`, pixels of the network's input
 * @param objectIndices `int32 [P]`: index into `masks`
 * @param masks one per object of the image
 * @returns `uint8 [P, S, S]`, 0 or 1
 * @throws ShapeError unless the lengths fit; DataError for an object without mask or one of another size, or a bad
 *   index; ConfigError for a mask size below 1
 * @see https://github.com/open-mmlab/mmdetection/blob/v2.11.0/mmdet/core/mask/structures.py
 */
export function maskTargets(
  boxes: Boxes,
  objectIndices: Int32Array,
  masks: readonly MaskSource[],
  { maskSize: S, canvas, grid }: MaskTargetOptions,
): Uint8Array {
  const P = numBoxes('maskTargets', boxes);
  if (objectIndices.length !== P)
    throw new ShapeError(`maskTargets: expected ${P} object indices, got ${objectIndices.length}`);
  if (!Number.isInteger(S) || S < 1)
    throw new ConfigError(`maskTargets: expected a maskSize >= 1, got ${String(S)}`);
  const cutters = new Map<number, Cutter>();
  const cutterOf = (object: number): Cutter => {
    const known = cutters.get(object) ?? cutterFor(masks[object], object, grid.source);
    cutters.set(object, known);
    return known;
  };
  const options = { numBins: S, samplingRatio: 0, aligned: true };
  const yBands = allocateBands(S, canvas.height);
  const xBands = allocateBands(S, canvas.width);
  const out = new Uint8Array(P * S * S);
  for (let i = 0; i < P; i++) {
    const [x1, y1, x2, y2] = boxes.subarray(4 * i, 4 * i + 4);
    const clip = (at: number, end: number): number => Math.min(Math.max(at, 0), end);
    const { width, height } = canvas;
    computeBands(clip(y1, height), clip(y2, height), 1, height, options, yBands);
    computeBands(clip(x1, width), clip(x2, width), 1, width, options, xBands);
    const target = out.subarray(i * S * S, (i + 1) * S * S);
    averageBits(cutterOf(objectIndices[i]), yBands, xBands, grid, target);
  }
  return out;
}

/** Cells or pixels `start … end - 1` of an axis. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Function that copies columns and rows of a mask as 0 or 1, `[columns, rows]` column-major. */
type Cutter = (columns: Span, rows: Span) => Uint8Array;

function averageBits(
  cut: Cutter,
  yBands: Bands,
  xBands: Bands,
  { rows, columns }: MaskGrid,
  target: Uint8Array,
): void {
  const S = yBands.ends.length - 1;
  const numTapsX = xBands.ends[S];
  const ySpan = cellSpan(yBands);
  const xSpan = cellSpan(xBands);
  const sourceRows = sourceSpan(rows, ySpan);
  const sourceColumns = sourceSpan(columns, xSpan);
  if (sourceRows.end <= sourceRows.start || sourceColumns.end <= sourceColumns.start) return;
  const bits = cut(sourceColumns, sourceRows);
  const height = sourceRows.end - sourceRows.start;
  // Offset of every tap within a column of bits. A tap on padding reads the first bit with weight 0.
  const numTapsY = yBands.ends[S];
  const offsets = new Int32Array(numTapsY);
  const weights = yBands.weights.slice(0, numTapsY);
  for (let t = 0; t < numTapsY; t++) {
    const row = yBands.cells[t] < rows.length ? rows[yBands.cells[t]] : -1;
    if (row >= 0) offsets[t] = row - sourceRows.start;
    else weights[t] = 0;
  }
  // Means along every column of the window, [columns, S].
  const means = new Float64Array((xSpan.end - xSpan.start) * S);
  for (let x = xSpan.start; x < xSpan.end; x++) {
    const column = x < columns.length ? columns[x] : -1;
    if (column < 0) continue;
    const base = (column - sourceColumns.start) * height;
    for (let p = 0, at = (x - xSpan.start) * S; p < S; p++, at++) {
      let mean = 0;
      for (let t = yBands.ends[p]; t < yBands.ends[p + 1]; t++)
        mean += weights[t] * bits[base + offsets[t]];
      means[at] = mean;
    }
  }
  const total = new Float64Array(S);
  for (let q = 0, t = 0; q < S && t < numTapsX; q++) {
    total.fill(0);
    for (; t < xBands.ends[q + 1]; t++) {
      const at = (xBands.cells[t] - xSpan.start) * S;
      for (let p = 0; p < S; p++) total[p] += xBands.weights[t] * means[at + p];
    }
    // Rounded to float32, so that the order of summation cannot change a mean of exactly one half.
    for (let p = 0; p < S; p++) target[p * S + q] = Math.fround(total[p]) >= 0.5 ? 1 : 0;
  }
}

const cellSpan = ({ ends, cells }: Bands): Span =>
  extentOf(cells.subarray(0, ends[ends.length - 1]));

/** Returns the source cells that a span of the input needs. The map may be reversed (flip) and have gaps (padding). */
const sourceSpan = (map: Int32Array, { start, end }: Span): Span =>
  extentOf(map.subarray(start, end));

/** Span of the cells that are not −1. */
function extentOf(cells: Int32Array): Span {
  let [start, end] = [Infinity, 0];
  for (const cell of cells) {
    if (cell < 0) continue;
    start = Math.min(start, cell);
    end = Math.max(end, cell + 1);
  }
  return { start: Math.min(start, end), end };
}

function cutterFor(mask: MaskSource | undefined, object: number, source: Size): Cutter {
  if (mask === undefined || mask.kind === 'none')
    throw new DataError(`maskTargets: expected a mask for object ${object}, got none`, {
      id: object,
    });
  if (mask.kind === 'polygons')
    return cutRuns(rleFromPolygons(mask.polygons, source.height, source.width).counts, source);
  if (mask.width !== source.width || mask.height !== source.height)
    throw new DataError(
      `maskTargets: expected a mask of ${source.width} x ${source.height} for object ${object}, got ${mask.width} x ${mask.height}`,
      { id: object },
    );
  return mask.kind === 'rle' ? cutRuns(mask.counts, source) : cutBitmap(mask.data, source);
}

function cutBitmap(data: Uint8Array, { width }: Size): Cutter {
  return (columns, rows) => {
    const height = rows.end - rows.start;
    const bits = new Uint8Array((columns.end - columns.start) * height);
    for (let x = columns.start, at = 0; x < columns.end; x++)
      for (let y = rows.start; y < rows.end; y++, at++)
        bits[at] = data[y * width + x] === 0 ? 0 : 1;
    return bits;
  };
}

function cutRuns(counts: Uint32Array, { height }: Size): Cutter {
  return (columns, rows) => {
    const numRows = rows.end - rows.start;
    const bits = new Uint8Array((columns.end - columns.start) * numRows);
    const first = columns.start * height;
    const last = columns.end * height;
    for (let run = 0, end = 0; run < counts.length && end < last; run++) {
      const begin = end;
      end += counts[run];
      if ((run & 1) === 0 || end <= first) continue;
      // A run of foreground may extend over several columns; each column is clipped to the rows.
      for (let at = Math.max(begin, first); at < Math.min(end, last);) {
        const x = Math.floor(at / height);
        const columnEnd = Math.min(end, (x + 1) * height);
        const top = Math.max(at - x * height, rows.start);
        const bottom = Math.min(columnEnd - x * height, rows.end);
        const base = (x - columns.start) * numRows - rows.start;
        if (bottom > top) bits.fill(1, base + top, base + bottom);
        at = columnEnd;
      }
    }
    return bits;
  };
}
