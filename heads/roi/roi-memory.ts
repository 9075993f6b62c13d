import type { Boxes } from '../../core/boxes.js';
import { boxLevels } from '../../core/boxes-levels.js';
import type { FeatureMaps, PyramidShape } from './feature-maps.js';
import { Arena } from './roi-align-arena.js';
import type { RoiAlignPlan } from './roi-align-plan.js';
import { planRoiAlign } from './roi-align-plan.js';
import { RoiAligner } from './roi-align.js';

/** Regions over the batch, before they have a level. */
export interface Regions {
  /** `[R, 4]`, pixels of the network's input. */
  readonly boxes: Boxes;
  /** `int32 [R]`, 0 … N − 1. */
  readonly imageIndices: Int32Array;
}

/** Features of regions, and what the way back needs. */
export interface RegionFeatures {
  readonly plan: RoiAlignPlan;
  /** `[capacity, P, P, C]` in the arena; rows without a region are 0. */
  readonly features: Float32Array;
}

/** Room for the tables, per region and axis: bins and cells with their taps in both directions, words of 4 bytes. */
const tableBytes = (outputSize: number, maxCells: number): number =>
  4 * 2 * (9 * outputSize + 5 * maxCells + 16);

/** How many regions of which size a step looks at. */
export interface RegionDemand {
  /** Rows of features, padding included. */
  readonly capacity: number;
  readonly outputSize: number;
  /** Whether there is a gradient beside the features. */
  readonly withGradients: boolean;
}

/**
 * The WebAssembly memory of a detector: feature maps, their gradients and the features of regions. It grows in place, between
 * steps, when an input is larger than any before.
 */
export class RoiMemory {
  private readonly memory = new WebAssembly.Memory({ initial: 0 });
  private aligner: RoiAligner | undefined;

  /**
   * Begins a step: what the previous one put into the arena is gone.
   *
   * @param numMaps sets of maps of that shape: 1, with gradients 2
   * @param demands region features that are alive one after the other; the largest counts
   */
  begin(shape: PyramidShape, numMaps: number, demands: readonly RegionDemand[]): RoiArena {
    const { numChannels, levels } = shape;
    const maxCells = Math.max(...levels.map(({ width, height }) => Math.max(width, height)));
    const mapBytes = levels.reduce(
      (sum, { width, height }) => sum + aligned(shape.numImages * height * width * numChannels),
      0,
    );
    const regionBytes = demands.map(
      ({ capacity, outputSize, withGradients }) =>
        (withGradients ? 2 : 1) * aligned(capacity * outputSize ** 2 * numChannels) +
        aligned(capacity * tableBytes(outputSize, maxCells)),
    );
    const needed = numMaps * mapBytes + Math.max(0, ...regionBytes);
    if (!this.aligner || this.aligner.arena.buffer.byteLength < needed)
      this.aligner = new RoiAligner(Arena.withBytes(Math.min(needed, MAX_BYTES), this.memory));
    this.aligner.arena.release(0);
    return new RoiArena(this.aligner, shape);
  }
}

/** What 32-bit addresses reach, less a page. */
const MAX_BYTES = 2 ** 32 - 65536;
const aligned = (numFloats: number): number => Math.ceil(numFloats / 16) * 64;

/** One step's use of the memory. */
export class RoiArena {
  constructor(
    private readonly aligner: RoiAligner,
    readonly shape: PyramidShape,
  ) {}

  /** Maps of all levels; their content is undefined. */
  allocateMaps(): FeatureMaps {
    const { numImages, numChannels, levels } = this.shape;
    return {
      ...this.shape,
      maps: levels.map(({ width, height }) =>
        this.aligner.arena.float32(numImages * height * width * numChannels),
      ),
    };
  }

  /** An array for the duration of {@link RoiArena.scope}, or of the step. */
  float32(length: number): Float32Array {
    return this.aligner.arena.float32(length);
  }

  /** Frees what `body` allocates. */
  async scope<T>(body: () => Promise<T>): Promise<T> {
    const mark = this.aligner.arena.mark();
    try {
      return await body();
    } finally {
      this.aligner.arena.release(mark);
    }
  }

  /**
   * Features of regions, each from the level of its size.
   *
   * @param capacity rows of the result, at least the number of regions
   */
  pool(
    { maps }: FeatureMaps,
    { boxes, imageIndices }: Regions,
    { outputSize, capacity }: { readonly outputSize: number; readonly capacity: number },
  ): RegionFeatures {
    const { numImages, numChannels, levels } = this.shape;
    const rowSize = outputSize ** 2 * numChannels;
    const features = this.float32(capacity * rowSize);
    const rois = { boxes, imageIndices, levels: boxLevels(boxes, levels.length) };
    const plan = planRoiAlign(this.aligner.arena, rois, {
      outputSize,
      samplingRatio: 0,
      aligned: true,
      levels,
      numImages,
      numChannels,
    });
    const used = imageIndices.length * rowSize;
    this.aligner.forward(plan, maps, features.subarray(0, used));
    // Whatever lay there before may not even be a number, and 0 · NaN is not 0.
    features.fill(0, used);
    return { plan, features };
  }

  /** Adds the gradient of regions' features to that of the maps. */
  unpool(plan: RoiAlignPlan, gradient: Float32Array, { maps }: FeatureMaps): void {
    const { outputSize, numChannels } = plan.config;
    const used = plan.rois.length * outputSize ** 2 * numChannels;
    this.aligner.backward(plan, gradient.subarray(0, used), maps);
  }
}
