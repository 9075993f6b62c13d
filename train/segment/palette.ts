import { DataError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { MAX_LIST_BYTES, readTextSync, reasonOf } from '../../io/files/read.js';
import type { SegmenterCard } from '../../inference/card.js';
import { classPalette } from '../../inference/segment/palette.js';
import { paletteColor } from '../../report/overlay/colors.js';

/**
 * Determines the colors of classes, `[K, 3]`: from a file with one `#rrggbb` per line, else those of the model, else
 * ADE20K's for its classes, else colors that are easy to distinguish.
 *
 * @param model class names and colors of its card
 * @throws DataError for a file that cannot be read or has another number of colors
 */
export function paletteOf(
  card: Pick<SegmenterCard, 'classNames' | 'palette'>,
  file?: string,
): Uint8Array {
  if (file !== undefined) return readPalette(file, card.classNames.length);
  const palette = classPalette(card);
  return Uint8Array.from(card.classNames.flatMap((_, k) => paletteColor(palette, k)));
}

function readPalette(file: string, numClasses: number): Uint8Array {
  let text: string;
  try {
    text = readTextSync(file, MAX_LIST_BYTES);
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new DataError(`${file}: expected one color a line, got ${reason}`, { file, cause });
  }
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length !== numClasses)
    throw DataError.in(file, `expected ${numClasses} colors, got ${lines.length}`);
  const colors = lines.map((line, i) => {
    const hex = /^#?([0-9a-f]{6})$/i.exec(line)?.[1];
    if (hex === undefined)
      throw DataError.in(file, `line ${i + 1}: expected #rrggbb, got ${printable(line)}`);
    return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
  });
  return Uint8Array.from(colors.flat());
}
