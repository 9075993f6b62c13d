import { ConfigError, ShapeError } from '../core/errors.js';

/** Stride of the network's last stage in pixels. Every site of that stage must be either visible or removed. */
const LAST_STRIDE = 32;

/** Number of patches of an image along each axis. */
interface PatchGrid {
  readonly rows: number;
  readonly columns: number;
}

/**
 * Removed and visible patches of a batch: L = rows · columns patches per image, K of them visible. K is the same for
 * every image, so tensors of visible patches have fixed shapes.
 */
export interface PatchMask {
  readonly numImages: number;
  readonly grid: PatchGrid;
  /** K */
  readonly numVisible: number;
  /** `[N, L]` row-major: 1 for removed patches, 0 for visible ones. */
  readonly mask: Float32Array;
  /** `[N, K]`: the visible patches of every image, ascending. */
  readonly visible: Int32Array;
}

/**
 * Divides an image into patches.
 *
 * @throws ConfigError if the patch size is not a multiple of 32 pixels, or patches do not tile the image
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
 * @throws ConfigError if no patch would be visible, or none removed
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
 * Random masking: the K patches with the lowest noise stay visible. Only the ranks of the noise matter.
 *
 * @param noise `[N, L]`
 * @throws ConfigError if no patch would be visible, or none removed; ShapeError if the noise does not fit
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
 * Indices of the visible sites of a feature map, in units of *segments*: the `cell` sites of one patch in one row of the
 * map, which are adjacent in memory.
 */
interface SegmentIndices {
  /** `[N · K · cell]`: map segment of every segment of the visible patches, stored patch after patch. */
  readonly gather: Int32Array;
  /** `[N · rows · cell · columns]`: the inverse; `N · K · cell` (one past the last) for removed segments. */
  readonly scatter: Int32Array;
}

/**
 * Computes the segments of the visible patches.
 *
 * @param cell sites of a patch along each axis: patch size / stride
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
