import {
  allocateBands,
  computeBands,
  type BandOptions,
  type Bands,
} from '../../core/boxes-bands.js';
import { numBoxes, type Boxes, type Size } from '../../core/boxes.js';
import { ConfigError, DataError, ShapeError } from '../../core/errors.js';
import type { PyramidShape } from './feature-maps.js';
import type { Arena } from './roi-align-arena.js';

/** RoIs of a batch. */
export interface Rois {
  /** `[R, 4]`, pixels of the network's input. */
  readonly boxes: Boxes;
  /** `int32 [R]`, 0 … N − 1. */
  readonly imageIndices: Int32Array;
  /** `int32 [R]`: index of the pyramid level, see `boxLevels`. */
  readonly levels: Int32Array;
}

/** Options: output size, sampling and levels. */
export interface RoiAlignConfig extends PyramidShape {
  /** Bins per side P. */
  readonly outputSize: number;
  /** Samples per bin and axis; 0 takes `⌈bin size⌉`. */
  readonly samplingRatio: number;
  /** Half-cell shift without minimal size; see `BandOptions`. */
  readonly aligned: boolean;
}

/** Tables of one RoI (byte addresses in the arena) and the window of cells it touches. */
interface RoiPlan {
  /** Row of the output. */
  readonly roi: number;
  readonly image: number;
  readonly level: number;
  readonly forwardY: number;
  readonly forwardX: number;
  readonly backwardY: number;
  readonly backwardX: number;
  readonly window: { readonly x: number; readonly y: number } & Size;
}

/** Tables of all RoIs, in order of processing. They occupy the arena until it is released. */
export interface RoiAlignPlan {
  readonly config: RoiAlignConfig;
  /** Sorted by image, level and vertical position, so that nearby RoIs find their cells in the cache. */
  readonly rois: readonly RoiPlan[];
}

/**
 * Builds the tables of {@link roiAlign} and its gradient: for both axes of every RoI, the taps of each bin and,
 * transposed, the bins of each cell of the window. One plan serves both directions and any number of feature maps.
 *
 * @throws ConfigError for invalid options or if the arena is full; ShapeError unless the lengths fit; DataError for a
 *   coordinate that is not finite, or an image or level that doesn't exist
 */
export function planRoiAlign(arena: Arena, rois: Rois, config: RoiAlignConfig): RoiAlignPlan {
  checkArguments(rois, config);
  const maxCells = Math.max(
    0,
    ...config.levels.map(({ width, height }) => Math.max(width, height)),
  );
  const options: BandOptions = { ...config, numBins: config.outputSize };
  const bands = allocateBands(config.outputSize, maxCells);
  const writer = new TableWriter(arena, maxCells);
  const plans = workingOrder(rois, config).map((roi): RoiPlan => {
    const level = rois.levels[roi];
    const { width, height, stride } = config.levels[level];
    const [x1, y1, x2, y2] = rois.boxes.subarray(4 * roi, 4 * roi + 4);
    computeBands(y1, y2, 1 / stride, height, options, bands);
    const y = writer.write(bands);
    computeBands(x1, x2, 1 / stride, width, options, bands);
    const x = writer.write(bands);
    return {
      roi,
      image: rois.imageIndices[roi],
      level,
      forwardY: y.forward,
      forwardX: x.forward,
      backwardY: y.backward,
      backwardX: x.backward,
      window: { x: x.first, y: y.first, width: x.numCells, height: y.numCells },
    };
  });
  writer.close();
  return { config, rois: plans };
}

function checkArguments(
  { boxes, imageIndices, levels }: Rois,
  { outputSize, samplingRatio, levels: maps, numImages, numChannels }: RoiAlignConfig,
): void {
  const valid =
    outputSize >= 1 && samplingRatio >= 0 && Number.isInteger(outputSize) && numChannels >= 1;
  if (!valid || !Number.isInteger(samplingRatio))
    throw new ConfigError(
      `planRoiAlign: expected whole numbers outputSize >= 1, samplingRatio >= 0 and channels >= 1, got ${outputSize}, ${samplingRatio} and ${numChannels}`,
    );
  const R = numBoxes('planRoiAlign', boxes);
  if (imageIndices.length !== R || levels.length !== R)
    throw new ShapeError(
      `planRoiAlign: expected ${R} images and levels, got ${imageIndices.length} and ${levels.length}`,
    );
  for (let r = 0; r < R; r++) {
    const sum = boxes[4 * r] + boxes[4 * r + 1] + boxes[4 * r + 2] + boxes[4 * r + 3];
    const [image, level] = [imageIndices[r], levels[r]];
    if (!Number.isFinite(sum) || !(image >= 0 && image < numImages) || maps[level] === undefined)
      throw new DataError(
        `planRoiAlign: expected finite coordinates, an image below ${numImages} and a level below ${maps.length}, got [${Array.from(boxes.subarray(4 * r, 4 * r + 4)).join(', ')}], image ${image}, level ${level} at RoI ${r}`,
      );
  }
}

/** Sorts RoIs by image, level and row of the center; ties by index. */
function workingOrder({ boxes, imageIndices, levels }: Rois, config: RoiAlignConfig): number[] {
  const numLevels = config.levels.length;
  const center = (r: number): number => boxes[4 * r + 1] + boxes[4 * r + 3];
  const map = (r: number): number => imageIndices[r] * numLevels + levels[r];
  return Array.from(levels.keys()).sort(
    (a, b) => map(a) - map(b) || center(a) - center(b) || a - b,
  );
}

/** Written tables of one axis of one RoI. */
interface WrittenAxis {
  readonly forward: number;
  readonly backward: number;
  /** First cell with a tap, and number of cells up to the last one. */
  readonly first: number;
  readonly numCells: number;
}

/** Writes tables to the free part of an arena; allocates the bytes used at the end. */
class TableWriter {
  private readonly words: Int32Array;
  private readonly floats: Float32Array;
  private readonly tapsOfCell: Int32Array;
  private at = 0;

  constructor(
    private readonly arena: Arena,
    maxCells: number,
  ) {
    const mark = arena.mark();
    this.floats = arena.float32(Math.floor(arena.freeBytes / 64) * 16);
    arena.release(mark);
    this.words = new Int32Array(this.floats.buffer, this.floats.byteOffset, this.floats.length);
    this.tapsOfCell = new Int32Array(maxCells);
  }

  close(): void {
    this.arena.float32(this.at);
  }

  write(bands: Bands): WrittenAxis {
    const numBins = bands.ends.length - 1;
    const numTaps = bands.ends[numBins];
    const base = this.floats.byteOffset;
    const forward = base + 4 * this.at;
    let first = Infinity;
    let last = -1;
    for (let t = 0; t < numTaps; t++) {
      if (bands.cells[t] < first) first = bands.cells[t];
      if (bands.cells[t] > last) last = bands.cells[t];
    }
    const numCells = numTaps === 0 ? 0 : last - first + 1;
    const numWords = numBins + numCells + 4 * numTaps;
    if (this.at + numWords > this.words.length)
      throw new ConfigError(
        `planRoiAlign: expected room for tables of ${4 * (this.at + numWords)} bytes, got ${this.arena.freeBytes}; make the arena larger`,
      );
    this.writeForward(bands);
    const backward = base + 4 * this.at;
    if (numCells > 0) this.writeTransposed(bands, first, numCells);
    return { forward, backward, first: numCells === 0 ? 0 : first, numCells };
  }

  private writeForward({ ends, cells, weights }: Bands): void {
    for (let p = 0; p + 1 < ends.length; p++) {
      this.words[this.at++] = ends[p + 1] - ends[p];
      for (let t = ends[p]; t < ends[p + 1]; t++) {
        this.words[this.at++] = cells[t];
        this.floats[this.at++] = weights[t];
      }
    }
  }

  private writeTransposed({ ends, cells, weights }: Bands, first: number, numCells: number): void {
    const { words, floats, tapsOfCell } = this;
    const numTaps = ends[ends.length - 1];
    tapsOfCell.fill(0, 0, numCells);
    for (let t = 0; t < numTaps; t++) tapsOfCell[cells[t] - first]++;
    let at = this.at;
    for (let cell = 0; cell < numCells; cell++) {
      const count = tapsOfCell[cell];
      words[at++] = count;
      tapsOfCell[cell] = at; // from here on: position of the cell's next tap
      at += 2 * count;
    }
    for (let p = 0; p + 1 < ends.length; p++) {
      for (let t = ends[p]; t < ends[p + 1]; t++) {
        const to = tapsOfCell[cells[t] - first];
        words[to] = p;
        floats[to + 1] = weights[t];
        tapsOfCell[cells[t] - first] = to + 2;
      }
    }
    this.at = at;
  }
}
