import { blankPicture, fillRectangle, type Picture, type Rgb } from './picture.js';
import { sizesFor } from './sizes.js';
import { CAP_HEIGHT, drawText, shortenText, textWidth } from './text.js';

/** One entry of a legend. */
export interface LegendEntry {
  readonly color: Rgb;
  readonly text: string;
}

const PAPER: Rgb = [255, 255, 255];
const INK: Rgb = [32, 32, 32];

/** Adds a legend below the picture: swatches and texts in as many columns as fit, in column order. */
export function appendLegend(picture: Picture, entries: readonly LegendEntry[]): Picture {
  const { width, height, data } = picture;
  if (entries.length === 0) return picture;
  const { fontPx } = sizesFor(picture);
  const [margin, row] = [Math.round(0.8 * fontPx), Math.round(1.5 * fontPx)];
  const swatch = Math.round(fontPx);
  const textAt = swatch + Math.round(0.5 * fontPx);
  const widest = Math.max(...entries.map(({ text }) => textWidth(text, fontPx)));
  const room = width - 2 * margin;
  const columnWidth = Math.min(room, textAt + widest + 1.5 * fontPx);
  const columns = Math.max(1, Math.min(entries.length, Math.floor(room / columnWidth)));
  const rows = Math.ceil(entries.length / columns);
  const out = blankPicture(width, height + rows * row + 2 * margin, PAPER);
  out.data.set(data);
  entries.forEach(({ color, text }, i) => {
    const x = margin + Math.floor(i / rows) * columnWidth;
    const y = height + margin + (i % rows) * row;
    const top = y + (row - swatch) / 2;
    const box = { x, y: top, width: swatch, height: swatch };
    fillRectangle(out, box, { color, alpha: 1, radiusPx: 0.2 * fontPx });
    const baseline = { x: x + textAt, y: y + (row + CAP_HEIGHT * fontPx) / 2 };
    const shown = shortenText(text, fontPx, columnWidth - textAt);
    drawText(out, shown, baseline, { sizePx: fontPx, color: INK });
  });
  return out;
}
