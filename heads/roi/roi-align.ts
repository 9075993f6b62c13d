import { ShapeError } from '../../core/errors.js';
import type { Arena } from './roi-align-arena.js';
import { createKernel, type BandedProduct } from './roi-align-kernel.js';
import type { RoiAlignPlan } from './roi-align-plan.js';

/**
 * RoIAlign over pyramid levels, forward and backward, on feature maps in one arena. It is linear in the features and
 * separable: `out = Ay · F · Axᵀ`, and the gradient `dF += Ayᵀ · g · Ax` is the same banded product with transposed
 * tables; every cell of a window is written once per RoI. Deterministic: the order of all sums is fixed.
 *
 * @see Mask R-CNN, section 3: https://arxiv.org/abs/1703.06870
 */
export class RoiAligner {
  private readonly bandedProduct: BandedProduct;

  /** @param bandedProduct kernel; by default the fastest for the arena */
  constructor(
    readonly arena: Arena,
    bandedProduct: BandedProduct = createKernel(arena),
  ) {
    this.bandedProduct = bandedProduct;
  }

  /**
   * Samples every RoI from its level.
   *
   * @param plan tables in this arena
   * @param features one map per level, `[N, H, W, C]`, in the arena
   * @param out `[R, P, P, C]` in the arena, overwritten; rows of RoIs without extent become 0
   * @throws ShapeError unless the lengths fit; ConfigError for arrays outside the arena
   */
  forward(plan: RoiAlignPlan, features: readonly Float32Array[], out: Float32Array): void {
    const { maps, output, pixelBytes, binRowBytes, roiBytes } = this.layout(
      'roiAlign',
      plan,
      features,
      out,
    );
    const P = plan.config.outputSize;
    for (const { roi, image, level, forwardY, forwardX } of plan.rois) {
      const { address, rowBytes, imageBytes } = maps[level];
      this.bandedProduct(
        output + roi * roiBytes,
        binRowBytes,
        address + image * imageBytes,
        rowBytes,
        pixelBytes,
        P,
        P,
        forwardY,
        forwardX,
        0,
      );
    }
  }

  /**
   * Adds the gradient with respect to the features.
   *
   * @param plan tables in this arena
   * @param outGradient `[R, P, P, C]` in the arena
   * @param featureGradients one map per level, `[N, H, W, C]`, in the arena; gradients are added, so callers set them to
   *   0 first
   * @throws ShapeError unless the lengths fit; ConfigError for arrays outside the arena
   */
  backward(
    plan: RoiAlignPlan,
    outGradient: Float32Array,
    featureGradients: readonly Float32Array[],
  ): void {
    const { maps, output, pixelBytes, binRowBytes, roiBytes } = this.layout(
      'roiAlign gradient',
      plan,
      featureGradients,
      outGradient,
    );
    for (const { roi, image, level, backwardY, backwardX, window } of plan.rois) {
      const { address, rowBytes, imageBytes } = maps[level];
      this.bandedProduct(
        address + image * imageBytes + window.y * rowBytes + window.x * pixelBytes,
        rowBytes,
        output + roi * roiBytes,
        binRowBytes,
        pixelBytes,
        window.height,
        window.width,
        backwardY,
        backwardX,
        1,
      );
    }
  }

  private layout(
    where: string,
    { config, rois }: RoiAlignPlan,
    maps: readonly Float32Array[],
    output: Float32Array,
  ): Layout {
    const { outputSize: P, numChannels: C, numImages: N, levels } = config;
    const sizes = levels.map(({ width, height }) => N * height * width * C);
    const fits =
      maps.length === levels.length && maps.every(({ length }, level) => length === sizes[level]);
    if (!fits || output.length !== rois.length * P * P * C)
      throw new ShapeError(
        `${where}: expected maps of [${sizes.join(', ')}] and RoIs of ${rois.length * P * P * C} numbers, got [${maps.map(({ length }) => length).join(', ')}] and ${output.length}`,
      );
    const pixelBytes = 4 * C;
    return {
      maps: maps.map((map, level) => ({
        address: this.arena.addressOf(where, map),
        rowBytes: levels[level].width * pixelBytes,
        imageBytes: levels[level].height * levels[level].width * pixelBytes,
      })),
      output: this.arena.addressOf(where, output),
      pixelBytes,
      binRowBytes: P * pixelBytes,
      roiBytes: P * P * pixelBytes,
    };
  }
}

/** Byte addresses and strides. */
interface Layout {
  readonly maps: readonly {
    readonly address: number;
    readonly rowBytes: number;
    readonly imageBytes: number;
  }[];
  readonly output: number;
  readonly pixelBytes: number;
  readonly binRowBytes: number;
  readonly roiBytes: number;
}
