import * as rule from '../../core/options.js';
import type { Size } from '../../core/boxes.js';
import { OptionError, quote } from '../../core/errors.js';
import type { Rect } from '../../core/rect.js';

/** Tiles of a large picture, each of which is prepared and predicted like a picture of its own. */
export interface TileOptions {
  /** Side of the square tiles in pixels of the picture, from 64. */
  readonly size: number;
  /** Fraction of the side that neighbors share at least, 0 up to 0.9; default {@link DEFAULT_OVERLAP}. */
  readonly overlap?: number | undefined;
}

/** Overlap of tiles: objects up to a fifth of a tile are whole in at least one. */
export const DEFAULT_OVERLAP = 0.2;

const LEAST_SIDE = 64;
const LARGEST_SIDE = 2 ** 14;
const LARGEST_OVERLAP = 0.9;

/** @throws OptionError for options out of range */
export function assertTile(tile: TileOptions): void {
  if (typeof (tile as unknown) !== 'object' || (tile as unknown) === null)
    throw new OptionError(`tile: expected { size, overlap }, got ${quote(tile)}`);
  rule.assertOptions('tile', tile, { size: rule.ANYTHING, overlap: rule.ANYTHING });
  const { size, overlap = DEFAULT_OVERLAP } = tile;
  if (!Number.isInteger(size) || size < LEAST_SIDE || size > LARGEST_SIDE)
    throw new OptionError(
      `tile: expected a size of ${LEAST_SIDE} to ${LARGEST_SIDE} pixels, got ${quote(size)}`,
    );
  if (!(overlap >= 0 && overlap <= LARGEST_OVERLAP))
    throw new OptionError(
      `tile: expected an overlap from 0 to ${LARGEST_OVERLAP}, got ${quote(overlap)}`,
    );
}

/** Positions of the tiles of a picture in pixels. All tiles have the same size. */
export interface TileGrid extends Size {
  readonly tops: readonly number[];
  readonly lefts: readonly number[];
}

/**
 * Spreads tiles evenly over a picture, so that all neighbors share about the same number of pixels, at least the asked
 * one. A side that is shorter than a tile has one tile of its length.
 */
export function tileGrid(
  picture: Size,
  { size, overlap = DEFAULT_OVERLAP }: TileOptions,
): TileGrid {
  const shared = Math.round(size * overlap);
  const starts = (side: number): readonly number[] => {
    const rest = side - size;
    if (rest <= 0) return [0];
    const count = Math.ceil(rest / Math.max(1, size - shared)) + 1;
    return Array.from({ length: count }, (_, i) => Math.round((i * rest) / (count - 1)));
  };
  return {
    tops: starts(picture.height),
    lefts: starts(picture.width),
    width: Math.min(size, picture.width),
    height: Math.min(size, picture.height),
  };
}

/** Lists the tiles of a grid, row by row. */
export function tilesOf({ tops, lefts, width, height }: TileGrid): readonly Rect[] {
  return tops.flatMap((y) => lefts.map((x) => ({ x, y, width, height })));
}
