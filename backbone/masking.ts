import { ConfigError, ShapeError } from '../core/errors.js';

/** Stride of the network's last stage, pixels: a site there must be visible or removed as a whole. */
const LAST_STRIDE = 32;

/** Patches of an image. */
export interface PatchGrid {
  readonly rows: number;
  readonly columns: number;
}

/**
 * Which patches of a batch are removed; L = rows · columns patches an image, K of them visible. The number is the same for
 * every image, so that the shapes of what is computed on visible patches do not change.
 */
export interface PatchMask {
  readonly numImages: number;
  readonly grid: PatchGrid;
  /** K */
  readonly numVisible: number;
  /** `[N, L]`, row by row: 1 where removed, 0 where kept. */
  readonly mask: Float32Array;
  /** `[N, K]`: the visible patches of every image, ascending. */
  readonly visible: Int32Array;
}

/**
 * The patches of an image.
 *
 * @throws ConfigError if patches are no multiple of 32 pixels, or do not tile the image
 */
export function patchGrid(
  image: { readonly height: number; readonly width: number },
  patchSize: number,
): PatchGrid {
  if (!(Number.isInteger(patchSize) && patchSize > 0 && patchSize % LAST_STRIDE === 0)) {
    throw new ConfigError(
      `patchGrid: expected a patch size that is a multiple of ${LAST_STRIDE}, got ${patchSize}`,
    );
  }
  const { height, width } = image;
  if (!(height > 0 && width > 0) || height % patchSize !== 0 || width % patchSize !== 0) {
    throw new ConfigError(
      `patchGrid: expected image sides that are multiples of ${patchSize}, got ${height} × ${width}`,
    );
  }
  return { rows: height / patchSize, columns: width / patchSize };
}

/**
 * Number of visible patches: `⌊L (1 − ratio)⌋`.
 *
 * @throws ConfigError if that leaves no visible or no removed patch
 */
export function numVisiblePatches({ rows, columns }: PatchGrid, maskRatio: number): number {
  const patches = rows * columns;
  const visible = Math.trunc(patches * (1 - maskRatio));
  if (!(visible >= 1 && visible < patches)) {
    const left = visible >= patches ? 'no removed' : 'no visible';
    throw new ConfigError(
      `maskRatio: expected a ratio that leaves visible and removed patches, got ${maskRatio}, which leaves ${left} one of ${patches}`,
    );
  }
  return visible;
}

/**
 * Random masking: the K patches with the lowest noise stay visible. Only the order of the noise matters.
 *
 * @param noise `[N, L]`
 * @throws ConfigError if the ratio leaves no visible or no removed patch; ShapeError if the noise does not fit
 * @see ConvNeXt V2, section 3, and `fcmae.py`: https://github.com/facebookresearch/ConvNeXt-V2
 */
export function maskFromNoise(noise: Float32Array, grid: PatchGrid, maskRatio: number): PatchMask {
  const numPatches = grid.rows * grid.columns;
  const numVisible = numVisiblePatches(grid, maskRatio);
  const numImages = noise.length / numPatches;
  if (!Number.isInteger(numImages)) {
    throw new ShapeError(
      `maskFromNoise: expected a multiple of ${numPatches} values, got ${noise.length}`,
    );
  }
  const mask = new Float32Array(noise.length).fill(1);
  const visible = new Int32Array(numImages * numVisible);
  for (let n = 0; n < numImages; n++) {
    const own = noise.subarray(n * numPatches, (n + 1) * numPatches);
    const order = Int32Array.from(own.keys()).sort((a, b) => own[a] - own[b]);
    const kept = order.slice(0, numVisible).sort();
    visible.set(kept, n * numVisible);
    for (const patch of kept) mask[n * numPatches + patch] = 0;
  }
  return { numImages, grid, numVisible, mask, visible };
}

/**
 * Where the visible sites of a feature map lie, in units of *segments*: the `cell` sites of one patch in one row of the map
 * are neighbors in memory and move together.
 */
export interface SegmentIndices {
  /** `[N · K · cell]`: segment of the map for every segment of the visible patches, which are stacked. */
  readonly gather: Int32Array;
  /** `[N · rows · cell · columns]`, the inverse; removed segments are `N · K · cell`, one past the last. */
  readonly scatter: Int32Array;
}

/**
 * The segments of the visible patches.
 *
 * @param cell sites of a patch on each axis: patch size / stride
 */
export function segmentIndices(
  { numImages, grid, numVisible, visible }: PatchMask,
  cell: number,
): SegmentIndices {
  const { rows, columns } = grid;
  const gather = new Int32Array(visible.length * cell);
  const scatter = new Int32Array(numImages * rows * cell * columns).fill(gather.length);
  visible.forEach((patch, i) => {
    const image = Math.floor(i / numVisible);
    const [row, column] = [Math.floor(patch / columns), patch % columns];
    for (let y = 0; y < cell; y++) {
      const segment = ((image * rows + row) * cell + y) * columns + column;
      gather[i * cell + y] = segment;
      scatter[segment] = i * cell + y;
    }
  });
  return { gather, scatter };
}
