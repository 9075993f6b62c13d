import { readFileSync } from 'node:fs';
import { DataError, WeightsError } from '../../core/errors.js';
import { ADE20K_CLASSES, ade20kPalette } from '../../datasets/classes/ade20k.js';
import { readClassList } from '../../datasets/class-list.js';
import type { SegmenterCard } from '../../models/segmenter-card.js';
import { segmenterCard } from '../../models/segmenter-card.js';
import type { LoadedSegmenter } from '../../models/segmenter-weights.js';
import { loadSegmenter } from '../../models/segmenter-weights.js';
import type { SegmenterMode } from '../../models/segmenter.js';
import { classColour } from '../../report/overlay/colours.js';
import { ADE20K_UPERNET } from '../../train/recipes/ade20k-upernet.js';
import type { LocatedModel } from './locate.js';

/** A segmenter ready to use, with what its inputs and outputs mean. */
export interface OpenedSegmenter extends LoadedSegmenter {
  readonly file: string;
  readonly card: SegmenterCard;
}

/** What a user may say about a segmenter beside its name. */
export interface OpenSegmenterOptions {
  /** Use the moving average of the weights. */
  readonly ema?: boolean;
  /** Class names: a list of {@link readClassList}. */
  readonly classes?: string;
  /** Limit of the short side of the resized image and side of the windows, where the file does not say it. */
  readonly size?: number;
}

/**
 * Opens a segmenter with its card; weight files without one (state dicts of mmsegmentation) get ADE20K's pre-processing and, for
 * 150 classes, its names.
 *
 * @throws WeightsError if the file is of another task, does not fit, or has another number of classes than the list
 */
export async function openSegmenter(
  { file, state }: LocatedModel,
  { ema, classes, size = ADE20K_UPERNET.geometry.cropSize }: OpenSegmenterOptions = {},
): Promise<OpenedSegmenter> {
  const which = ema ? ({ which: 'model_ema' } as const) : {};
  if (state) {
    const card = segmenterCard(file, state);
    const { backbone, head, classNames } = card;
    const architecture = { backbone, head };
    return { ...(await loadSegmenter(file, { ...which, architecture, classNames })), file, card };
  }
  const list = classes === undefined ? undefined : readClassList(classes).map(({ name }) => name);
  const loaded = await loadSegmenter(file, { ...which, ...(list ? { classNames: list } : {}) });
  const head = loaded.model.config;
  if (size < 32) throw new WeightsError(`--size: expected at least 32 pixels, got ${size}`);
  const card: SegmenterCard = {
    task: 'segment',
    backbone: loaded.backbone,
    head,
    classNames: list ?? namesOf(head.numClasses),
    pixels: ADE20K_UPERNET.pixels,
    limits: { long: 4 * size, short: size },
    window: { cropSize: size, stride: Math.floor((2 * size) / 3) },
    ratios: ADE20K_UPERNET.evaluation.ratios,
  };
  return { ...loaded, file, card };
}

function namesOf(numClasses: number): readonly string[] {
  return numClasses === ADE20K_CLASSES.length
    ? ADE20K_CLASSES
    : Array.from({ length: numClasses }, (_, k) => `class ${k}`);
}

/** Scales and mode of `--tta` and `--slide`. */
export function viewing(
  { ratios, window }: Pick<SegmenterCard, 'ratios' | 'window'>,
  { tta = false, slide = false }: { readonly tta?: boolean; readonly slide?: boolean },
): { readonly ratios: readonly number[]; readonly mode: SegmenterMode } {
  return {
    ratios: tta ? ratios : [1],
    mode: { window: slide ? window : null, flip: tta },
  };
}

/**
 * The colours of classes, `[K, 3]`: of a file with one `#rrggbb` a line, else ADE20K's for its classes, else colours that are easy to
 * tell apart.
 *
 * @throws DataError for a file that cannot be read or has other than one colour a class
 */
export function paletteOf(classNames: readonly string[], file?: string): Uint8Array {
  if (file !== undefined) return readPalette(file, classNames.length);
  if (classNames.join('\n') === ADE20K_CLASSES.join('\n')) return ade20kPalette();
  return Uint8Array.from(classNames.flatMap((_, k) => [...classColour(k)]));
}

function readPalette(file: string, numClasses: number): Uint8Array {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new DataError(`${file}: expected one colour a line, got ${reason}`, { file, cause });
  }
  const lines = text.trim().split(/\s*\n\s*/);
  if (lines.length !== numClasses)
    throw new DataError(`${file}: expected ${numClasses} colours, got ${lines.length}`, { file });
  const colours = lines.map((line, i) => {
    const hex = /^#?([0-9a-f]{6})$/i.exec(line)?.[1];
    if (hex === undefined)
      throw new DataError(`${file}: line ${i + 1}: expected #rrggbb, got ${line}`, { file });
    return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
  });
  return Uint8Array.from(colours.flat());
}
