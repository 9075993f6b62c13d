import { ConfigError, ShapeError, WorkError } from '../core/errors.js';
import { record, whole, type Infer } from '../core/schema.js';
import type { ParameterStore } from '../engine/parameters/store.js';
import type { Engine } from '../engine/runtime/engine.js';
import type { Executable } from '../engine/runtime/program.js';
import {
  flippedRows,
  joinedRows,
  labelsOf,
  mapRows,
  meanProbabilityRows,
  resizedRows,
  type ScoreRows,
  type WindowGrid,
} from './segmenter-rows.js';
import type { UperNet } from './upernet.js';

/** Width and height, pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** An image as the network takes it. */
export interface SegmenterView extends ImageSize {
  /** `[H, W, 3]`, normalised. */
  readonly data: Float32Array;
}

/** The class of every pixel. */
export interface Segmentation extends ImageSize {
  /** `[H, W]`, 0 … K − 1. */
  readonly labels: Uint8Array;
}

/** Square windows that are laid over an image. */
export const SlidingWindow = record({
  /** Side, pixels; along a side of the image that is shorter the window is as long as that. */
  cropSize: whole(1),
  /** Between the windows' beginnings, pixels; the last one is shifted back into the image. */
  stride: whole(1),
});
export type SlidingWindow = Infer<typeof SlidingWindow>;

/** How a segmenter looks at an image. */
export interface SegmenterMode {
  /** Null: the whole image at once. */
  readonly window: SlidingWindow | null;
  /** Averages the probabilities of each view and its mirror image. */
  readonly flip: boolean;
}

/** Whole image, once. */
export const WHOLE_IMAGE: SegmenterMode = { window: null, flip: false };

/** What {@link createSegmenterPredictor} is made of. */
export interface SegmenterPredictorOptions {
  readonly engine: Engine;
  readonly model: Pick<UperNet, 'inference' | 'config'>;
  readonly store: ParameterStore;
  /** Copies the weights into the session: faster for many images of one size. */
  readonly frozen?: boolean;
  /** Windows are run together up to this many pixels, default four of 512 × 512. */
  readonly maxBatchPixels?: number;
}

/** Segments images one at a time. Owns sessions: `release` frees them. */
export interface SegmenterPredictor {
  /**
   * The class of every pixel.
   *
   * @param views the image at one or several scales: of several, probabilities are averaged
   * @param size of the result, usually that of the original image
   * @throws ShapeError if a view has other values than its size says, or a side below 32 pixels; ConfigError for windows that
   *   leave gaps; WorkError if the scores are not finite
   */
  segment(
    views: readonly SegmenterView[],
    size: ImageSize,
    mode?: SegmenterMode,
  ): Promise<Segmentation>;
  /** The scores behind it: logits of a single view, mean probabilities of several or with `flip`. */
  scores(
    views: readonly SegmenterView[],
    size: ImageSize,
    mode?: SegmenterMode,
  ): Promise<ScoreRows>;
  release(): Promise<void>;
}

/** The coarsest level of the network has a pixel for 32 of the image. */
const MIN_SIDE = 32;
const DEFAULT_BATCH_PIXELS = 4 * 512 * 512;

/** Opens a predictor. */
export function createSegmenterPredictor(options: SegmenterPredictorOptions): SegmenterPredictor {
  const { engine, model, store, frozen = false } = options;
  const program = engine.prepare(model.inference, store, { frozen });
  const maxBatchPixels = options.maxBatchPixels ?? DEFAULT_BATCH_PIXELS;
  const scores = async (
    views: readonly SegmenterView[],
    size: ImageSize,
    { window, flip }: SegmenterMode = WHOLE_IMAGE,
  ): Promise<ScoreRows> => {
    if (views.length === 0)
      throw new ConfigError('segment: expected a view of the image, got none');
    if (window) assertWindow(window);
    views.forEach(assertView);
    const maps: ScoreRows[] = [];
    for (const view of views) {
      const rows = await logitsOf(program, view, window, maxBatchPixels);
      maps.push(resizedRows(rows, size));
      if (!flip) continue;
      const mirrored = await logitsOf(program, mirror(view), window, maxBatchPixels);
      maps.push(flippedRows(resizedRows(mirrored, size)));
    }
    return maps.length === 1 ? maps[0] : meanProbabilityRows(maps);
  };
  return {
    scores,
    segment: async (views, size, mode) => ({
      width: size.width,
      height: size.height,
      labels: labelsOf(await scores(views, size, mode)),
    }),
    release: () => program.release(),
  };
}

/** Logits at the size of the view. */
async function logitsOf(
  program: Executable,
  view: SegmenterView,
  window: SlidingWindow | null,
  maxBatchPixels: number,
): Promise<ScoreRows> {
  if (!window) {
    const [rows] = await run(program, [view]);
    return resizedRows(rows, view);
  }
  const grid = windowGrid(view, window);
  const crops = grid.tops.flatMap((top) => grid.lefts.map((left) => ({ top, left })));
  const limit = Math.max(1, Math.floor(maxBatchPixels / (grid.width * grid.height)));
  const batch = Math.ceil(crops.length / Math.ceil(crops.length / limit));
  const rows: ScoreRows[] = [];
  for (let first = 0; first < crops.length; first += batch) {
    const views = crops.slice(first, first + batch).map((at) => cut(view, at, grid));
    rows.push(...(await run(program, views)));
  }
  return joinedRows(
    rows.map((map) => resizedRows(map, grid)),
    grid,
    view,
  );
}

/** Logits at stride 4 of images of one size. */
async function run(
  program: Executable,
  views: readonly SegmenterView[],
): Promise<readonly ScoreRows[]> {
  const [{ width, height }] = views;
  const size = width * height * 3;
  let data = views[0].data;
  if (views.length > 1) {
    data = new Float32Array(views.length * size);
    views.forEach((view, i) => data.set(view.data, i * size));
  }
  const { logits } = await program.run({
    image: { shape: [views.length, height, width, 3], data },
  });
  const [, h, w, channels] = logits.shape;
  const values = logits.data.slice() as Float32Array; // the next run overwrites them
  for (const value of values)
    if (!Number.isFinite(value))
      throw new WorkError(`segment: expected finite scores, got ${value}; are the weights sound?`);
  const mapSize = h * w * channels;
  return views.map((_, i) =>
    mapRows(values.subarray(i * mapSize, (i + 1) * mapSize), { height: h, width: w, channels }),
  );
}

/**
 * Where windows begin: as many as it takes to cover each side, the last one shifted back to end with it.
 *
 * @see mmsegmentation 0.x, models/segmentors/encoder_decoder.py, slide_inference
 */
export function windowGrid(
  { width, height }: ImageSize,
  { cropSize, stride }: SlidingWindow,
): WindowGrid {
  const starts = (side: number): readonly number[] => {
    const count = Math.floor(Math.max(side - cropSize + stride - 1, 0) / stride) + 1;
    return Array.from({ length: count }, (_, i) =>
      Math.max(Math.min(i * stride + cropSize, side) - cropSize, 0),
    );
  };
  return {
    tops: starts(height),
    lefts: starts(width),
    height: Math.min(cropSize, height),
    width: Math.min(cropSize, width),
  };
}

function cut(
  { width, data }: SegmenterView,
  { top, left }: { readonly top: number; readonly left: number },
  size: ImageSize,
): SegmenterView {
  const out = new Float32Array(size.width * size.height * 3);
  for (let y = 0; y < size.height; y++) {
    const from = ((top + y) * width + left) * 3;
    out.set(data.subarray(from, from + size.width * 3), y * size.width * 3);
  }
  return { width: size.width, height: size.height, data: out };
}

function mirror({ width, height, data }: SegmenterView): SegmenterView {
  const rows = flippedRows(mapRows(data, { width, height, channels: 3 }));
  const out = new Float32Array(data.length);
  for (let y = 0; y < height; y++) out.set(rows.row(y), y * width * 3);
  return { width, height, data: out };
}

function assertView({ width, height, data }: SegmenterView): void {
  if (width < MIN_SIDE || height < MIN_SIDE)
    throw new ShapeError(
      `segment: expected an image of at least ${MIN_SIDE} x ${MIN_SIDE} pixels, got ${width} x ${height}`,
    );
  if (data.length !== width * height * 3)
    throw new ShapeError(
      `segment: expected ${width * height * 3} values for ${width} x ${height} pixels, got ${data.length}`,
    );
}

function assertWindow({ cropSize, stride }: SlidingWindow): void {
  if (!Number.isInteger(cropSize) || cropSize < MIN_SIDE)
    throw new ConfigError(
      `window: expected a cropSize of at least ${MIN_SIDE} pixels, got ${cropSize}`,
    );
  if (!Number.isInteger(stride) || stride < 1 || stride > cropSize)
    throw new ConfigError(`window: expected a stride from 1 to ${cropSize}, got ${stride}`);
}
