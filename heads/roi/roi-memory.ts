import type { Boxes } from '../../core/boxes.js';
import { boxLevels } from '../../core/boxes-levels.js';
import type { FeatureMaps, PyramidShape } from './feature-maps.js';
import { Arena } from './roi-align-arena.js';
import { planRoiAlign, type RoiAlignPlan } from './roi-align-plan.js';
import { RoiAligner } from './roi-align.js';

/** RoIs of a batch, before assignment to levels. */
export interface Rois {
  /** `[R, 4]`, pixels of the network's input. */
  readonly boxes: Boxes;
  /** `int32 [R]`, 0 … N − 1. */
  readonly imageIndices: Int32Array;
}

/** Features of RoIs, and the plan for their gradient. */
interface RoiFeatures {
  readonly plan: RoiAlignPlan;
  /** `[capacity, P, P, C]` in the arena; rows without an RoI are 0. */
  readonly features: Float32Array;
}

/** Size of the tables per RoI and axis: bins and cells with their taps in both directions, in words of 4 bytes. */
const tableBytes = (outputSize: number, maxCells: number): number =>
  4 * 2 * (9 * outputSize + 5 * maxCells + 16);

/** Size of a buffer of RoI features in a step. */
export interface RoiBufferSize {
  /** Number of rows, including padding. */
  readonly capacity: number;
  readonly outputSize: number;
  /** Whether the features have a gradient buffer. */
  readonly withGradients: boolean;
}

/**
 * WebAssembly memory of a detector: feature maps, their gradients and RoI features. It grows in place, between steps, if
 * an input is larger than all before.
 */
export class RoiMemory {
  private readonly memory = new WebAssembly.Memory({ initial: 0 });
  private aligner: RoiAligner | undefined;

  /**
   * Begins a step; the arena's content from the previous step becomes invalid.
   *
   * @param numMaps number of sets of maps: 1, or 2 with gradients
   * @param bufferSizes sizes of RoI features that exist one after the other; memory is reserved for the largest
   */
  begin(shape: PyramidShape, numMaps: number, bufferSizes: readonly RoiBufferSize[]): RoiArena {
    const { numChannels, levels } = shape;
    const maxCells = Math.max(...levels.map(({ width, height }) => Math.max(width, height)));
    const mapBytes = levels.reduce(
      (sum, { width, height }) => sum + aligned(shape.numImages * height * width * numChannels),
      0,
    );
    const roiBytes = bufferSizes.map(
      ({ capacity, outputSize, withGradients }) =>
        (withGradients ? 2 : 1) * aligned(capacity * outputSize ** 2 * numChannels) +
        aligned(capacity * tableBytes(outputSize, maxCells)),
    );
    const needed = numMaps * mapBytes + Math.max(0, ...roiBytes);
    if (!this.aligner || this.aligner.arena.buffer.byteLength < needed)
      this.aligner = new RoiAligner(Arena.withBytes(Math.min(needed, MAX_BYTES), this.memory));
    this.aligner.arena.release(0);
    return new RoiArena(this.aligner, shape);
  }
}

/** 32-bit address space, less a page. */
const MAX_BYTES = 2 ** 32 - 65536;
const aligned = (numFloats: number): number => Math.ceil(numFloats / 16) * 64;

/** The arena during one step. */
export class RoiArena {
  constructor(
    private readonly aligner: RoiAligner,
    readonly shape: PyramidShape,
  ) {}

  /** Allocates the maps of all levels; their content is undefined. */
  allocateMaps(): FeatureMaps {
    const { numImages, numChannels, levels } = this.shape;
    return {
      ...this.shape,
      maps: levels.map(({ width, height }) =>
        this.aligner.arena.float32(numImages * height * width * numChannels),
      ),
    };
  }

  /** Allocates an array until the end of {@link RoiArena.scope}, or of the step. */
  float32(length: number): Float32Array {
    return this.aligner.arena.float32(length);
  }

  /** Runs `body` and frees its allocations. */
  async scope<T>(body: () => Promise<T>): Promise<T> {
    const mark = this.aligner.arena.mark();
    try {
      return await body();
    } finally {
      this.aligner.arena.release(mark);
    }
  }

  /**
   * Pools the features of RoIs, each from the level for its size.
   *
   * @param capacity number of rows of the result, at least the number of RoIs
   */
  pool(
    { maps }: FeatureMaps,
    { boxes, imageIndices }: Rois,
    { outputSize, capacity }: { readonly outputSize: number; readonly capacity: number },
  ): RoiFeatures {
    const { shape } = this;
    const rowSize = outputSize ** 2 * shape.numChannels;
    const features = this.float32(capacity * rowSize);
    const rois = { boxes, imageIndices, levels: boxLevels(boxes, shape.levels.length) };
    const plan = planRoiAlign(this.aligner.arena, rois, {
      ...shape,
      outputSize,
      samplingRatio: 0,
      aligned: true,
    });
    const used = imageIndices.length * rowSize;
    this.aligner.forward(plan, maps, features.subarray(0, used));
    // The previous content may include NaN, and 0 · NaN is not 0.
    features.fill(0, used);
    return { plan, features };
  }

  /** Adds the gradient of RoI features to that of the maps. */
  unpool(plan: RoiAlignPlan, gradient: Float32Array, { maps }: FeatureMaps): void {
    const { outputSize, numChannels } = plan.config;
    const used = plan.rois.length * outputSize ** 2 * numChannels;
    this.aligner.backward(plan, gradient.subarray(0, used), maps);
  }
}
