import type { Size } from '../../core/boxes.js';
import { softmaxTerms } from '../../core/softmax.js';
import type { WindowGrid } from './windows.js';

/**
 * A score map that is computed row by row, because a map of 150 classes at the size of a photograph takes gigabytes; only
 * two rows of each stage are kept.
 */
export interface ScoreRows {
  readonly height: number;
  readonly width: number;
  /** Number of classes `K`. */
  readonly channels: number;
  /** Returns row `y`, `[width, K]`, valid until the next call. Most efficient from top to bottom. */
  row(y: number): Float32Array;
  /** Returns the rows from `y` on, which need no memory of those above. */
  below(y: number): ScoreRows;
}

/** Rows of a map in memory. */
export function mapRows(
  data: Float32Array,
  { height, width, channels }: Omit<ScoreRows, 'row' | 'below'>,
): ScoreRows {
  const size = width * channels;
  return {
    height,
    width,
    channels,
    row: (y) => data.subarray(y * size, (y + 1) * size),
    below: (y) => mapRows(data.slice(y * size), { height: height - y, width, channels }),
  };
}

/** Two neighbors of each output position and the weight of the second: half-pixel centers, clamped at the borders. */
interface Neighbors {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly fraction: Float32Array;
}

function neighbors(inSize: number, outSize: number): Neighbors {
  const source = (i: number): number => Math.max(0, ((i + 0.5) * inSize) / outSize - 0.5);
  const low = Int32Array.from({ length: outSize }, (_, i) =>
    Math.min(inSize - 1, Math.floor(source(i))),
  );
  return {
    low,
    high: low.map((at) => Math.min(inSize - 1, at + 1)),
    fraction: Float32Array.from(low, (at, i) => source(i) - at),
  };
}

/** Bilinear resize with half-pixel centers (PyTorch's `align_corners=False`). */
export function resizedRows(source: ScoreRows, { height, width }: Size): ScoreRows {
  if (source.height === height && source.width === width) return source;
  return interpolatedRows(source, neighbors(source.height, height), neighbors(source.width, width));
}

function interpolatedRows(source: ScoreRows, ys: Neighbors, xs: Neighbors): ScoreRows {
  const { channels } = source;
  const [height, width] = [ys.low.length, xs.low.length];
  const out = new Float32Array(width * channels);
  // The two source rows around the last output row, resized to the output width.
  let [upper, lower] = [0, 1].map(() => ({ y: -1, data: new Float32Array(width * channels) }));
  const widened = (y: number): Float32Array => {
    if (lower.y === y) return lower.data;
    [upper, lower] = [lower, upper];
    widen(source.row(y), xs, channels, lower.data);
    lower.y = y;
    return lower.data;
  };
  const row = (y: number): Float32Array => {
    const isBetween = upper.y === ys.low[y] && lower.y === ys.high[y];
    const first = isBetween ? upper.data : widened(ys.low[y]);
    if (ys.high[y] === ys.low[y]) return first;
    const second = isBetween ? lower.data : widened(ys.high[y]);
    const fraction = ys.fraction[y];
    for (let i = 0; i < out.length; i++) out[i] = first[i] + fraction * (second[i] - first[i]);
    return out;
  };
  const below = (y: number): ScoreRows => {
    const first = ys.low[y];
    const rest = {
      low: ys.low.slice(y).map((at) => at - first),
      high: ys.high.slice(y).map((at) => at - first),
      fraction: ys.fraction.slice(y),
    };
    return interpolatedRows(source.below(first), rest, xs);
  };
  return { height, width, channels, row, below };
}

function widen(
  source: Float32Array,
  { low, high, fraction }: Neighbors,
  channels: number,
  out: Float32Array,
): void {
  for (let x = 0, to = 0; x < low.length; x++) {
    const [a, b, f] = [low[x] * channels, high[x] * channels, fraction[x]];
    for (let k = 0; k < channels; k++, to++)
      out[to] = source[a + k] + f * (source[b + k] - source[a + k]);
  }
}

/** Cuts a map to its upper left corner. */
export function croppedRows(source: ScoreRows, { height, width }: Size): ScoreRows {
  const { channels } = source;
  const row = (y: number): Float32Array => source.row(y).subarray(0, width * channels);
  const below = (y: number): ScoreRows =>
    croppedRows(source.below(y), { height: height - y, width });
  return { height, width, channels, row, below };
}

/** Flips a map horizontally. */
export function flippedRows(source: ScoreRows): ScoreRows {
  const { height, width, channels } = source;
  const out = new Float32Array(width * channels);
  const row = (y: number): Float32Array => {
    const from = source.row(y);
    for (let x = 0; x < width; x++)
      out.set(from.subarray(x * channels, (x + 1) * channels), (width - 1 - x) * channels);
    return out;
  };
  return { height, width, channels, row, below: (y) => flippedRows(source.below(y)) };
}

/**
 * Merges overlapping windows to one map: the mean of the scores of all windows at a pixel.
 *
 * @param windows in order of the grid, row by row, each of the grid's size
 */
export function joinedRows(
  windows: readonly ScoreRows[],
  grid: WindowGrid,
  { height, width }: Size,
): ScoreRows {
  const [{ channels }] = windows;
  const out = new Float32Array(width * channels);
  const coverage = new Float32Array(width);
  for (const left of grid.lefts) for (let x = left; x < left + grid.width; x++) coverage[x] += 1;
  const row = (y: number): Float32Array => {
    out.fill(0);
    let numRows = 0;
    grid.tops.forEach((top, r) => {
      if (y < top || y >= top + grid.height) return;
      numRows++;
      grid.lefts.forEach((left, c) => {
        const from = windows[r * grid.lefts.length + c].row(y - top);
        for (let i = 0, to = left * channels; i < from.length; i++, to++) out[to] += from[i];
      });
    });
    for (let x = 0, at = 0; x < width; x++) {
      const fraction = 1 / (coverage[x] * numRows);
      for (let k = 0; k < channels; k++, at++) out[at] *= fraction;
    }
    return out;
  };
  return {
    height,
    width,
    channels,
    row,
    below: (y) => laterRows(row, { height, width, channels }, y),
  };
}

/** Rows from `first` on of a map that stays in memory. */
function laterRows(
  row: ScoreRows['row'],
  { height, width, channels }: Omit<ScoreRows, 'row' | 'below'>,
  first: number,
): ScoreRows {
  return {
    height: height - first,
    width,
    channels,
    row: (y) => row(first + y),
    below: (y) => laterRows(row, { height, width, channels }, first + y),
  };
}

/** Mean of the softmax of several maps of logits of one size. */
export function meanProbabilityRows(sources: readonly ScoreRows[]): ScoreRows {
  const [{ height, width, channels }] = sources;
  const out = new Float32Array(width * channels);
  const row = (y: number): Float32Array => {
    out.fill(0);
    for (const source of sources) addSoftmax(source.row(y), channels, 1 / sources.length, out);
    return out;
  };
  const below = (y: number): ScoreRows =>
    meanProbabilityRows(sources.map((source) => source.below(y)));
  return { height, width, channels, row, below };
}

function addSoftmax(
  logits: Float32Array,
  channels: number,
  weight: number,
  out: Float32Array,
): void {
  const exponentials = new Float64Array(channels);
  for (let at = 0; at < logits.length; at += channels) {
    const total = softmaxTerms(logits, at, exponentials);
    const scale = weight / total;
    for (let k = 0; k < channels; k++) out[at + k] += scale * exponentials[k];
  }
}

/** Computes the class of highest score of each pixel, `[H, W]`; ties go to the lowest index. */
export function labelsOf(rows: ScoreRows): Uint8Array {
  const { height, width, channels } = rows;
  const labels = new Uint8Array(height * width);
  for (let y = 0, to = 0; y < height; y++) {
    const row = rows.row(y);
    for (let x = 0, at = 0; x < width; x++, at += channels, to++) {
      let best = 0;
      for (let k = 1; k < channels; k++) if (row[at + k] > row[at + best]) best = k;
      labels[to] = best;
    }
  }
  return labels;
}
