import type { Size } from '../../core/boxes.js';
import { ShapeError } from '../../core/errors.js';

/** Strides of the levels that RoIs are pooled from: P2 … P5. */
export const ROI_STRIDES = [4, 8, 16, 32] as const;

/** Geometry of the maps of one level. */
interface RoiLevel extends Size {
  /** Pixels per cell. */
  readonly stride: number;
}

/** Sizes of the feature maps of a batch. */
export interface PyramidShape {
  readonly numImages: number;
  readonly numChannels: number;
  /** P2 … P5. */
  readonly levels: readonly RoiLevel[];
}

/** P2 … P5 of a batch (or their gradients) in host memory. */
export interface FeatureMaps extends PyramidShape {
  /** `[N, H, W, C]` of every level. */
  readonly maps: readonly Float32Array[];
}

/**
 * Checks and returns the sizes of P2 … P5.
 *
 * @param shapes `[N, H, W, C]` of every level
 * @throws ShapeError unless there are four levels with the same images and channels
 */
export function pyramidShape(shapes: readonly (readonly number[])[]): PyramidShape {
  const [numImages, , , numChannels] = shapes[0] ?? [];
  const valid = shapes.every((s) => s.length === 4 && s[0] === numImages && s[3] === numChannels);
  if (shapes.length !== ROI_STRIDES.length || !valid)
    throw new ShapeError(
      `pyramidShape: expected four maps [N, H, W, C], got ${shapes.map((s) => `[${s.join(', ')}]`).join(', ')}`,
    );
  return {
    numImages,
    numChannels,
    levels: shapes.map(([, height, width], i) => ({ height, width, stride: ROI_STRIDES[i] })),
  };
}

/** Computes the sizes of the levels with anchors: P2 … P5 and P6, which has every second row and column of P5. */
export function anchorLevelSizes({ levels }: PyramidShape): readonly Size[] {
  const last = levels[levels.length - 1];
  return [
    ...levels.map(({ width, height }) => ({ width, height })),
    { width: Math.ceil(last.width / 2), height: Math.ceil(last.height / 2) },
  ];
}
