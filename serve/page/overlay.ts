import { expandMask, type CompressedMask } from '../../core/results.js';
import { decodeRle, rleBox, type XywhBox } from '../../core/rle.js';
import { textColorOn } from '../../report/overlay/colors.js';
import type { Rectangle } from '../../report/overlay/picture.js';
import { placeTags } from '../../report/overlay/tags.js';
import type { ResultJson } from '../../core/results.js';
import { percent, type Item } from './items.js';

/** Longest side of the picture on the page in pixels, and up to which small ones are enlarged. */
const PREVIEW_PX = 1400;
const SMALL_PX = 700;
/** Opacity of masks, and of what is not marked beside what is. */
const MASK = 0.45;
const DIMMED = 0.15;

/** A picture with the parts of its result, scaled to a canvas. */
export interface Overlay {
  readonly width: number;
  readonly height: number;
  readonly layers: readonly Layer[];
  readonly picture: ImageBitmap | undefined;
}

interface Layer {
  readonly item: Item;
  /** Box on the canvas: of the object, or of the mask of a class. */
  readonly box: XywhBox;
  readonly mask?: ScaledMask | undefined;
}

/** A mask on the canvas. */
interface ScaledMask {
  /** Whole pixels. */
  readonly box: XywhBox;
  /** `[box height, box width]`, 0 or 1. */
  readonly data: Uint8Array;
}

/** Scales a result to a canvas whose longest side is at most `longest`; small ones are enlarged by a whole factor. */
export function createOverlay(
  result: ResultJson,
  items: readonly Item[],
  picture: ImageBitmap | undefined,
  longest = PREVIEW_PX,
): Overlay {
  // A classifier sees the stored pixels, whatever the orientation; a person sees the picture upright.
  const { width: fullWidth, height: fullHeight } =
    result.task === 'classify' && picture ? picture : result;
  const side = Math.max(fullWidth, fullHeight);
  const scale = Math.min(Math.max(1, Math.floor(SMALL_PX / side)), longest / side);
  const width = Math.max(1, Math.round(fullWidth * scale));
  const height = Math.max(1, Math.round(fullHeight * scale));
  const layers = items.map((item): Layer => {
    const mask = item.mask && scaleMask(item.mask, scale);
    const box = item.box ? scaled(item.box, scale) : (mask?.box ?? [0, 0, 0, 0]);
    return { item, box, mask };
  });
  return { width, height, layers, picture };
}

const scaled = ([x, y, width, height]: XywhBox, scale: number): XywhBox => [
  ...([x * scale, y * scale, width * scale, height * scale] as const),
];

/** Samples a mask at the pixels of the canvas. */
function scaleMask(mask: CompressedMask, scale: number): ScaledMask {
  const rle = expandMask(mask);
  const source = decodeRle(rle); // [height, width]
  const [x, y, w, h] = scaled(rleBox(rle), scale);
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [width, height] = [Math.ceil(x + w) - left, Math.ceil(y + h) - top];
  const data = new Uint8Array(width * height);
  for (let row = 0, at = 0; row < height; row++) {
    const sourceRow = Math.min(rle.height - 1, Math.floor((top + row + 0.5) / scale));
    for (let column = 0; column < width; column++, at++) {
      const sourceColumn = Math.min(rle.width - 1, Math.floor((left + column + 0.5) / scale));
      data[at] = source[sourceRow * rle.width + sourceColumn];
    }
  }
  return { box: [left, top, width, height], data };
}

/** Draws the shown parts; with a marked one the others fade. */
export function drawOverlay(
  canvas: HTMLCanvasElement,
  { width, height, layers, picture }: Overlay,
  isShown: (item: Item) => boolean,
  marked: Item | undefined,
): void {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#808080';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingEnabled = picture === undefined || picture.width > width;
  if (picture) context.drawImage(picture, 0, 0, width, height);
  const shown = layers.filter(({ item }) => isShown(item));
  const opacity = (item: Item): number => (marked && item !== marked ? DIMMED : 1);
  const pixels = context.getImageData(0, 0, width, height);
  for (const layer of shown) blendMask(pixels, layer, MASK * opacity(layer.item));
  context.putImageData(pixels, 0, 0);
  const unit = pixelsPerPoint(canvas);
  const size = Math.round(12 * unit);
  context.font = `600 ${size}px system-ui, sans-serif`;
  const boxed = shown.filter(({ item }) => item.box);
  const tags = boxed.map(({ item, box: [x, y, boxWidth, boxHeight] }) => ({
    width: Math.ceil(context.measureText(tagOf(item)).width) + size,
    height: 1.5 * size,
    box: { x, y, width: boxWidth, height: boxHeight },
  }));
  const places = placeTags(tags, { width, height });
  // The best come last, so that they are on top, and the tags after all boxes.
  const order = [...boxed.entries()].reverse();
  for (const [, { item, box }] of order) {
    context.globalAlpha = opacity(item);
    context.lineWidth = (item === marked ? 4 : 2) * unit;
    context.strokeStyle = `rgb(${item.color.join()})`;
    context.strokeRect(...box);
  }
  for (const [i, { item }] of order) {
    context.globalAlpha = opacity(item);
    drawTag(context, item, places[i], size);
  }
  context.globalAlpha = 1;
}

/** Pixels of a canvas for each point that it is shown on, at least 1, so that names are readable on a narrow page. */
function pixelsPerPoint({ width, height, clientWidth }: HTMLCanvasElement): number {
  return Math.max(1, clientWidth > 0 ? width / clientWidth : Math.max(width, height) / 900);
}

function blendMask({ data, width, height }: ImageData, { item, mask }: Layer, alpha: number): void {
  if (!mask) return;
  const { color } = item;
  const [left, top, w, h] = mask.box;
  for (let row = 0; row < h && top + row < height; row++)
    for (let column = 0; column < w && left + column < width; column++) {
      if (mask.data[row * w + column] === 0) continue;
      const at = 4 * ((top + row) * width + left + column);
      for (let c = 0; c < 3; c++) data[at + c] += alpha * (color[c] - data[at + c]);
    }
}

const tagOf = ({ name, value }: Item): string => `${name} ${percent(value)}`;

/** Writes name and score, in the font of the context. @param size of the font in pixels */
function drawTag(
  context: CanvasRenderingContext2D,
  item: Item,
  { x, y, width, height }: Rectangle,
  size: number,
): void {
  context.fillStyle = `rgb(${item.color.join()})`;
  context.fillRect(x, y, width, height);
  context.fillStyle = `rgb(${textColorOn(item.color).join()})`;
  context.textBaseline = 'middle';
  context.fillText(tagOf(item), x + size / 2, y + 0.52 * height);
}

/** Finds the smallest shown part at a point of the canvas: by its mask, or by its box. */
export function itemAt(
  { layers }: Overlay,
  { x, y }: { readonly x: number; readonly y: number },
  isShown: (item: Item) => boolean,
): Item | undefined {
  const hits = layers.filter(({ item, box: [left, top, width, height], mask }) => {
    const [column, row] = [Math.floor(x - left), Math.floor(y - top)];
    if (!isShown(item) || column < 0 || row < 0 || column >= width || row >= height) return false;
    return item.box !== undefined || mask?.data[row * width + column] === 1;
  });
  return hits.sort((a, b) => a.box[2] * a.box[3] - b.box[2] * b.box[3])[0]?.item;
}
