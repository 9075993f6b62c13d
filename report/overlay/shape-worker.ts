/** Thread that draws lines of text with Pango, for {@link shapedText}, which waits for it. */
import { workerData, type MessagePort } from 'node:worker_threads';
import sharp from 'sharp';

/** A line of text to draw. */
export interface ShapeRequest {
  readonly text: string;
  /** File and family of a font that has all characters of the text. */
  readonly font: { readonly file: string; readonly family: string };
  readonly sizePx: number;
}

/** A drawn line with a letter of known height before it. */
export interface DrawnLine {
  readonly width: number;
  readonly height: number;
  /** Coverage of every pixel, 0–255. */
  readonly data: Uint8Array;
}

/** Data of the thread. */
export interface ShaperSetup {
  /** Of requests and answers: a line, or undefined if it could not be drawn. */
  readonly port: MessagePort;
  /** Counts the answers. */
  readonly answers: Int32Array<SharedArrayBuffer>;
}

/** Letter before the text: it stands on the baseline, which the drawn line does not tell otherwise. */
const LETTER = 'H   ';
/** Marks that keep the text together, in the direction of its first letter. */
const [ISOLATE, POP] = ['\u2068', '\u2069'];

const { port, answers } = workerData as ShaperSetup;
port.on('message', (request: ShapeRequest) => void answer(request));

async function answer(request: ShapeRequest): Promise<void> {
  let drawn: DrawnLine | undefined;
  try {
    drawn = await drawLine(request);
  } catch {
    drawn = undefined;
  }
  port.postMessage(drawn);
  Atomics.add(answers, 0, 1);
  Atomics.notify(answers, 0);
}

async function drawLine({ text, font, sizePx }: ShapeRequest): Promise<DrawnLine> {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const line = sharp({
    text: {
      text: `${LETTER}${ISOLATE}${escaped}${POP}`,
      // The comma ends the name of the family, whose last words may be those of a style.
      font: `${font.family}, ${sizePx}`,
      fontfile: font.file,
      dpi: 72,
      wrap: 'none',
    },
  });
  const { data, info } = await line.raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const coverage = Uint8Array.from({ length: width * height }, (_, i) => data[channels * i]);
  return { width, height, data: coverage };
}
