import {
  MessageChannel,
  receiveMessageOnPort,
  Worker,
  type MessagePort,
} from 'node:worker_threads';
import { moduleUrl } from '../../io/files/module-url.js';
import { fontFileWith } from './fonts.js';
import { blendPixel, type Picture, type Rgb } from './picture.js';
import type { DrawnLine, ShapeRequest, ShaperSetup } from './shape-worker.js';

/** Text whose letters are joined, stacked or ordered by the rules of its script. Lengths are in units of the font size. */
export interface ShapedText {
  readonly width: number;
  /** Coverage 0–255 of `rows` by `columns` cells, each 1/{@link CELLS} of the font size. */
  readonly cells: Uint8Array;
  readonly columns: number;
  readonly rows: number;
  /** Number of rows above the baseline. */
  readonly ascent: number;
}

/** Cells per font size: text is drawn once and scaled. */
const CELLS = 96;
/** Space at both ends. */
const BEARING = 0.05;
/** Longest time that a line may take, with the start of the thread. */
const MOST_MS = 60_000;
/** Gap, in cells, that tells the letter before the text from the text. */
const GAP = 0.2 * CELLS;
/** Longest text, in characters: more do not fit on any picture. */
const MOST_CHARACTERS = 256;

const drawn = new Map<string, ShapedText | undefined>();

/**
 * Draws a text by the rules of its script: Arabic letters joined, Hebrew from right to left, the marks of Thai and the
 * conjuncts of Devanagari in their places. Pango draws it with a font of the system.
 *
 * @returns undefined if no font has all characters
 */
export function shapedText(text: string): ShapedText | undefined {
  const shown = [...text].slice(0, MOST_CHARACTERS).join('');
  // Without meaning, or half a character: what a font has for it is another thing in every font.
  if (/\p{Cc}|\p{Co}|\p{Cn}|\p{Cs}/u.test(shown)) return undefined;
  const font = fontFileWith(shown);
  if (font === undefined) return undefined;
  const key = `${font.file}\n${shown}`;
  if (!drawn.has(key)) {
    const line = request({ text: shown, font, sizePx: CELLS });
    drawn.set(key, line && withoutLetter(line));
  }
  return drawn.get(key);
}

/** Draws a shaped text. @param at left end of the baseline, pixels */
export function drawShaped(
  picture: Picture,
  { cells, columns, rows, ascent }: ShapedText,
  at: { readonly x: number; readonly y: number },
  { sizePx, color }: { readonly sizePx: number; readonly color: Rgb },
): void {
  const scale = CELLS / sizePx; // cells per pixel
  const [left, top] = [at.x + BEARING * sizePx, at.y - ascent / scale];
  const [right, bottom] = [left + columns / scale, top + rows / scale];
  for (let y = Math.max(0, Math.floor(top)); y < Math.min(bottom, picture.height); y++)
    for (let x = Math.max(0, Math.floor(left)); x < Math.min(right, picture.width); x++) {
      const [x1, y1] = [(x - left) * scale, (y - top) * scale];
      let sum = 0;
      for (let row = Math.max(0, Math.floor(y1)); row < Math.min(y1 + scale, rows); row++) {
        const high = Math.min(row + 1, y1 + scale) - Math.max(row, y1);
        for (let c = Math.max(0, Math.floor(x1)); c < Math.min(x1 + scale, columns); c++)
          sum += high * (Math.min(c + 1, x1 + scale) - Math.max(c, x1)) * cells[row * columns + c];
      }
      blendPixel(picture, x, y, color, sum / (255 * scale * scale));
    }
}

/** Separates the text from the letter before it, which stands on the baseline. */
function withoutLetter({ width, height, data }: DrawnLine): ShapedText | undefined {
  const isInked = (x: number): boolean => {
    for (let y = 0; y < height; y++) if (data[y * width + x] > 0) return true;
    return false;
  };
  let letter = 0; // its end
  let start = 0;
  for (let x = 0; x < width; x++) {
    if (!isInked(x)) continue;
    if (x - letter >= GAP) {
      start = x;
      break;
    }
    letter = x + 1;
  }
  if (start === 0) return undefined;
  let end = width;
  while (!isInked(end - 1)) end--;
  let ascent = height;
  const isOfLetter = (y: number): boolean =>
    data.subarray(y * width, y * width + letter).some((value) => value > 127);
  while (ascent > 0 && !isOfLetter(ascent - 1)) ascent--;
  const columns = end - start;
  const cells = new Uint8Array(columns * height);
  for (let y = 0; y < height; y++)
    cells.set(data.subarray(y * width + start, y * width + end), y * columns);
  return { width: columns / CELLS + 2 * BEARING, cells, columns, rows: height, ascent };
}

/** Thread of Pango: it answers later, and drawing is at once, so that the caller waits. */
interface Shaper {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly answers: Int32Array<SharedArrayBuffer>;
}
let shaper: Shaper | undefined;
let isUsable = true;

/** @returns undefined if the line cannot be drawn here; after a failure of the thread itself none is */
function request(line: ShapeRequest): DrawnLine | undefined {
  if (!isUsable) return undefined;
  const { worker, port, answers } = (shaper ??= start());
  const before = Atomics.load(answers, 0);
  port.postMessage(line);
  isUsable = Atomics.wait(answers, 0, before, MOST_MS) !== 'timed-out';
  if (!isUsable) void worker.terminate();
  return receiveMessageOnPort(port)?.message as DrawnLine | undefined;
}

function start(): Shaper {
  const { port1: port, port2 } = new MessageChannel();
  const answers = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(moduleUrl('./shape-worker.js', import.meta.url), {
    workerData: { port: port2, answers } satisfies ShaperSetup,
    transferList: [port2],
    execArgv: [],
  });
  worker.on('error', () => (isUsable = false)); // names become numbers
  worker.unref();
  return { worker, port, answers };
}
