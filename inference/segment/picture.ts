import type { ImageParts, RgbImage } from '../../core/image.js';
import { tileGrid, type TileGrid, type TileOptions } from '../tiles/grid.js';
import type { SegmenterCard } from '../card.js';
import type { SegmenterMode, SegmenterPredictor } from './predictor.js';
import { segmenterInputs, type SegmenterInput } from './preprocess.js';
import type { ScoreRows } from './score-rows.js';

/** Options of {@link segmentPicture}. */
interface SegmentPictureOptions {
  /** With the factors of the limits that are used. */
  readonly card: Pick<SegmenterCard, 'limits' | 'pixels' | 'ratios'>;
  readonly mode: SegmenterMode;
  /** Default: the whole picture at once. */
  readonly tile?: TileOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Segments a picture, or each of its tiles, whose scores fade into each other where they overlap. A picture of one tile
 * has the result that it has without tiles.
 *
 * @returns `[H, W]`, class indices
 * @throws as `SegmenterPredictor.segment`, and as reading the parts
 */
export async function segmentPicture(
  predictor: SegmenterPredictor,
  picture: RgbImage | ImageParts,
  { card, mode, tile, signal }: SegmentPictureOptions,
): Promise<Uint8Array> {
  const { width, height } = picture;
  const inputsOf = (image: RgbImage): readonly SegmenterInput[] => segmenterInputs(image, card);
  if (!('part' in picture))
    return predictor.segment(inputsOf(picture), { width, height }, mode, signal);
  const grid = tileGrid(picture, tile ?? { size: Math.max(width, height) });
  const { tops, lefts, ...side } = grid;
  const scores = async (y: number, x: number): Promise<ScoreRows> =>
    predictor.scores(inputsOf(await picture.part({ x, y, ...side })), side, mode, signal);
  if (tops.length * lefts.length === 1)
    return predictor.segment(
      inputsOf(await picture.part({ x: 0, y: 0, ...side })),
      side,
      mode,
      signal,
    );
  const labels = new Uint8Array(width * height);
  const weights = { across: fades(lefts, side.width), down: fades(tops, side.height) };
  let held: HeldTile[] = [];
  for (const [r, top] of tops.entries()) {
    const bottom = tops[r + 1] ?? height;
    for (const [c, left] of lefts.entries()) {
      signal?.throwIfAborted();
      held.push({ r, c, top, left, rows: await scores(top, left) });
      const right = lefts[c + 1] ?? width;
      label({ held, grid, weights, labels }, { top, bottom, left, right }, width);
      // Rows that the next tiles of this row do not touch wait for the next row, which needs only its end.
      held = held.map((one) =>
        one.r === r && one.left + side.width <= right ? lowerPart(one, bottom) : one,
      );
    }
    held = held
      .filter((one) => tops[one.r] + side.height > bottom)
      .map((one) => lowerPart(one, bottom));
  }
  return labels;
}

/** Scores of a tile that are still needed. */
interface HeldTile {
  /** Row and column in the grid. */
  readonly r: number;
  readonly c: number;
  /** Position of the first of its rows, and of its left side, in pixels of the picture. */
  readonly top: number;
  readonly left: number;
  readonly rows: ScoreRows;
}

/** The rows of a tile from row `y` of the picture on, without the memory of the others. */
function lowerPart(tile: HeldTile, y: number): HeldTile {
  const past = y - tile.top;
  if (past <= 0 || past >= tile.rows.height) return tile;
  return { ...tile, top: y, rows: tile.rows.below(past) };
}

/**
 * Weights of the tiles of a side, `[tile][position]`: they fall to nearly 0 toward a neighbor over the pixels that both
 * share.
 */
function fades(starts: readonly number[], side: number): readonly Float32Array[] {
  return starts.map((start, i) => {
    const before = i > 0 ? starts[i - 1] + side - start : 0;
    const after = i + 1 < starts.length ? start + side - starts[i + 1] : 0;
    return Float32Array.from({ length: side }, (_, at) =>
      Math.min(1, (at + 0.5) / before, (side - at - 0.5) / after),
    );
  });
}

/** Tiles with scores, and the labels of the picture. */
interface Blend {
  readonly held: readonly HeldTile[];
  readonly grid: TileGrid;
  readonly weights: {
    readonly across: readonly Float32Array[];
    readonly down: readonly Float32Array[];
  };
  /** `[H, W]` of the picture. */
  readonly labels: Uint8Array;
}

/** A region of the picture; `bottom` and `right` are outside of it. */
interface Region {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Labels a region, which the held tiles cover, by the highest weighted sum of their scores; ties go to the lowest class. */
function label(
  { held, grid, weights, labels }: Blend,
  { top, bottom, left, right }: Region,
  width: number,
): void {
  const shown = held.filter((one) => one.left < right && one.left + grid.width > left);
  const [{ rows }] = shown;
  const { channels } = rows;
  const sums = new Float32Array((right - left) * channels);
  for (let y = top; y < bottom; y++) {
    sums.fill(0);
    for (const one of shown) {
      if (y < one.top || y >= one.top + one.rows.height) continue;
      const row = one.rows.row(y - one.top);
      const down = weights.down[one.r][y - grid.tops[one.r]];
      const end = Math.min(right, one.left + grid.width);
      for (let x = Math.max(left, one.left); x < end; x++) {
        const weight = down * weights.across[one.c][x - one.left];
        const [from, to] = [(x - one.left) * channels, (x - left) * channels];
        for (let k = 0; k < channels; k++) sums[to + k] += weight * row[from + k];
      }
    }
    for (let x = left, at = 0; x < right; x++, at += channels) {
      let best = 0;
      for (let k = 1; k < channels; k++) if (sums[at + k] > sums[at + best]) best = k;
      labels[y * width + x] = best;
    }
  }
}
