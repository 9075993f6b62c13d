import { joined } from '../../core/joined.js';
import type { Size } from '../../core/boxes.js';
import { ConfigError, NotFiniteError, ShapeError } from '../../core/errors.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { Executable } from '../../engine/runtime/program.js';
import type { UperNet } from '../../models/upernet.js';
import type { SegmenterInput } from './preprocess.js';
import {
  croppedRows,
  flippedRows,
  joinedRows,
  labelsOf,
  mapRows,
  meanProbabilityRows,
  resizedRows,
  type ScoreRows,
} from './score-rows.js';
import { assertWindow, MIN_SIDE, windowGrid, type SlidingWindow } from './windows.js';

/** Options of inference: windows and flips. */
export interface SegmenterMode {
  /** Sliding windows; null for the whole image. */
  readonly window: SlidingWindow | null;
  /** Whether to average the probabilities of each input and its flip. */
  readonly flip: boolean;
}

/** Whole image without flip. */
export const WHOLE_IMAGE: SegmenterMode = { window: null, flip: false };

/** Options of {@link createSegmenterPredictor}. */
interface SegmenterPredictorOptions {
  readonly engine: Engine;
  readonly model: Pick<UperNet, 'inference' | 'config'>;
  readonly store: ParameterStore;
  /** Whether to copy the weights into the session: faster for many images of one size. */
  readonly frozen?: boolean | undefined;
  /** Largest number of pixels of windows per run; default: four of 512 × 512. */
  readonly maxBatchPixels?: number | undefined;
}

/** Segments images one at a time; calls must not overlap. Owns sessions: `release` frees them. */
export interface SegmenterPredictor {
  /**
   * Predicts the class of every pixel, `[H, W]`, 0 … K − 1.
   *
   * @param inputs the image at one or several scales, over which probabilities are averaged
   * @param size of the result, usually that of the original image
   * @param signal checked between runs
   * @throws ShapeError if an input does not match its size; ConfigError for windows that leave gaps; WorkError if the
   *   scores are not finite; the signal's reason
   */
  segment(
    inputs: readonly SegmenterInput[],
    size: Size,
    mode?: SegmenterMode,
    signal?: AbortSignal,
  ): Promise<Uint8Array>;
  /** Computes the underlying scores: logits for a single input, mean probabilities for several or with `flip`. */
  scores(...request: Parameters<SegmenterPredictor['segment']>): Promise<ScoreRows>;
  release(): Promise<void>;
}

const DEFAULT_BATCH_PIXELS = 4 * 512 * 512;

/** Opens a predictor. */
export function createSegmenterPredictor(options: SegmenterPredictorOptions): SegmenterPredictor {
  const { engine, model, store, frozen = false } = options;
  const program = engine.prepare(model.inference, store, { frozen });
  const maxBatchPixels = options.maxBatchPixels ?? DEFAULT_BATCH_PIXELS;
  const scores: SegmenterPredictor['scores'] = async (
    inputs,
    size,
    { window, flip } = WHOLE_IMAGE,
    signal,
  ) => {
    if (inputs.length === 0) throw new ConfigError('segment: expected an input, got none');
    if (window) assertWindow(window);
    inputs.forEach(assertInput);
    const maps: ScoreRows[] = [];
    const context = { program, window, maxBatchPixels, signal };
    for (const input of inputs) {
      maps.push(resizedRows(await logitsOf(context, input), size));
      if (flip) maps.push(flippedRows(resizedRows(await logitsOf(context, mirror(input)), size)));
    }
    return maps.length === 1 ? maps[0] : meanProbabilityRows(maps);
  };
  return {
    scores,
    segment: async (...request) => labelsOf(await scores(...request)),
    release: () => program.release(),
  };
}

/** Settings of the passes over an input. */
interface RunContext {
  readonly program: Executable;
  readonly window: SlidingWindow | null;
  readonly maxBatchPixels: number;
  readonly signal: AbortSignal | undefined;
}

/** Computes logits at the size of the input. */
async function logitsOf(context: RunContext, image: SegmenterInput): Promise<ScoreRows> {
  const { program, window, maxBatchPixels, signal } = context;
  signal?.throwIfAborted();
  const input = padded(image);
  if (input !== image) return croppedRows(await logitsOf(context, input), image);
  if (!window) {
    const [rows] = await run(program, [input]);
    return resizedRows(rows, input);
  }
  const grid = windowGrid(input, window);
  const crops = grid.tops.flatMap((top) => grid.lefts.map((left) => ({ top, left })));
  const limit = Math.max(1, Math.floor(maxBatchPixels / (grid.width * grid.height)));
  const batch = Math.ceil(crops.length / Math.ceil(crops.length / limit));
  const rows: ScoreRows[] = [];
  for (let first = 0; first < crops.length; first += batch) {
    signal?.throwIfAborted();
    const windows = crops.slice(first, first + batch).map((at) => cut(input, at, grid));
    rows.push(...(await run(program, windows)));
  }
  return joinedRows(
    rows.map((map) => resizedRows(map, grid)),
    grid,
    input,
  );
}

/** Computes logits at stride 4 for images of one size. */
async function run(
  program: Executable,
  inputs: readonly SegmenterInput[],
): Promise<readonly ScoreRows[]> {
  const [{ width, height }] = inputs;
  const images = inputs.map(({ data }) => data);
  const data = images.length > 1 ? joined(images, Float32Array) : images[0];
  const { logits } = await program.run({
    image: { shape: [inputs.length, height, width, 3], data },
  });
  const [, h, w, channels] = logits.shape;
  const values = logits.data.slice() as Float32Array; // the next run overwrites them
  for (const value of values)
    if (!Number.isFinite(value))
      throw new NotFiniteError(
        `segment: expected finite scores, got ${value}; are the weights damaged?`,
      );
  const mapSize = h * w * channels;
  return inputs.map((_, i) =>
    mapRows(values.subarray(i * mapSize, (i + 1) * mapSize), { height: h, width: w, channels }),
  );
}

function cut(
  { width, data }: SegmenterInput,
  { top, left }: { readonly top: number; readonly left: number },
  size: Size,
): SegmenterInput {
  const out = new Float32Array(size.width * size.height * 3);
  for (let y = 0; y < size.height; y++) {
    const from = ((top + y) * width + left) * 3;
    out.set(data.subarray(from, from + size.width * 3), y * size.width * 3);
  }
  return { width: size.width, height: size.height, data: out };
}

/**
 * Pads an input that is narrower than the coarsest stride at the right and bottom with zeros, which are the mean color.
 * Other inputs are returned as they are.
 *
 * @see mmseg 0.x, pipelines Pad (after Normalize, pad_val=0)
 */
function padded(input: SegmenterInput): SegmenterInput {
  const [width, height] = [input.width, input.height].map((side) => Math.max(side, MIN_SIDE));
  if (width === input.width && height === input.height) return input;
  const data = new Float32Array(width * height * 3);
  for (let y = 0; y < input.height; y++)
    data.set(input.data.subarray(y * input.width * 3, (y + 1) * input.width * 3), y * width * 3);
  return { width, height, data };
}

function mirror({ width, height, data }: SegmenterInput): SegmenterInput {
  const rows = flippedRows(mapRows(data, { width, height, channels: 3 }));
  const out = new Float32Array(data.length);
  for (let y = 0; y < height; y++) out.set(rows.row(y), y * width * 3);
  return { width, height, data: out };
}

function assertInput({ width, height, data }: SegmenterInput): void {
  if (!(width > 0 && height > 0) || data.length !== width * height * 3)
    throw new ShapeError(
      `segment: expected ${width * height * 3} values for ${width} x ${height} pixels, got ${data.length}`,
    );
}
