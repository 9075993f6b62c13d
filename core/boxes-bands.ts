/**
 * RoIAlign along one axis. Averaging bilinear samples over the bins of a box is separable: `out = Ay · map · Axᵀ`,
 * and the rows of A are narrow bands. Samples of a bin that fall on the same cell are merged, so a bin has about one
 * tap more than it has cells, whatever the number of samples.
 */

/** Division and sampling of a box along one axis. */
export interface BandOptions {
  /** Bins per axis: the output size. */
  readonly numBins: number;
  /** Samples per bin; 0 takes `⌈bin size⌉`, at least one per cell. */
  readonly samplingRatio: number;
  /**
   * True: cell i lies at `i + ½`; the box is shifted by half a cell and may have any size. False (the first version
   * of the method): cell i lies at i, and a box is at least one cell large.
   */
  readonly aligned: boolean;
}

/** Taps of the bins along one axis; reused for every box. */
export interface Bands {
  /** `int32 [bins + 1]`: bin p has the taps `ends[p] … ends[p + 1] - 1`. */
  readonly ends: Int32Array;
  /** `int32`: cell of every tap, ascending within a bin. */
  readonly cells: Int32Array;
  /** Weight of every tap; a bin's weights sum to 1 if all its samples are inside. */
  readonly weights: Float64Array;
}

/** Allocates bands for maps of up to `maxCells` cells per axis. */
export function allocateBands(numBins: number, maxCells: number): Bands {
  return {
    ends: new Int32Array(numBins + 1),
    cells: new Int32Array(numBins * maxCells),
    weights: new Float64Array(numBins * maxCells),
  };
}

/**
 * Computes the taps of one axis of one box. Sample positions are float32 in the order of the original, because
 * rounding decides the number of samples and the cells they fall on.
 *
 * A sample outside `[-1, numCells]` contributes nothing; one between those limits and the map's edge is moved to the
 * edge. A box without extent (aligned, adaptive) has no samples and therefore no taps.
 *
 * @param low,high the box along the axis, in pixels
 * @param scale cells per pixel, 1 / stride
 * @param numCells size of the map along the axis, at most what `bands` was allocated for
 * @see Mask R-CNN, section 3: https://arxiv.org/abs/1703.06870
 * @see https://github.com/open-mmlab/mmcv/blob/v1.3.0/mmcv/ops/csrc/roi_align_cuda_kernel.cuh
 */
export function computeBands(
  low: number,
  high: number,
  scale: number,
  numCells: number,
  { numBins, samplingRatio, aligned }: BandOptions,
  { ends, cells, weights }: Bands,
): void {
  const f32 = Math.fround;
  const shift = aligned ? 0.5 : 0;
  const cellsPerPx = f32(scale);
  const start = f32(f32(low * cellsPerPx) - shift);
  const extent = f32(f32(f32(high * cellsPerPx) - shift) - start);
  const bin = f32((aligned ? extent : Math.max(extent, 1)) / numBins);
  // An inverted box (high < low) has no samples; the original rejects it.
  const numSamples = bin < 0 ? 0 : samplingRatio > 0 ? samplingRatio : Math.ceil(bin);
  const last = numCells - 1;
  let tap = 0;
  for (let p = 0; p < numBins; p++) {
    const first = tap;
    const binStart = f32(start + f32(p * bin));
    for (let i = 0; i < numSamples; i++) {
      let at = f32(binStart + f32(f32((i + 0.5) * bin) / numSamples));
      if (at < -1 || at > numCells) continue;
      if (at < 0) at = 0;
      let cell = at | 0;
      let upper = 0; // weight of the next cell
      if (cell >= last) cell = last;
      else upper = f32(at - cell);
      // Positions ascend, so the cell is the last tap, the one before it, or a new one.
      const known = tap > first && cells[tap - 1] >= cell;
      const own = !known ? tap++ : cells[tap - 1] === cell ? tap - 1 : tap - 2;
      if (!known) {
        cells[own] = cell;
        weights[own] = 0;
      }
      weights[own] += f32(1 - upper) / numSamples;
      if (upper === 0) continue;
      if (own + 1 === tap) {
        cells[tap] = cell + 1;
        weights[tap++] = 0;
      }
      weights[own + 1] += upper / numSamples;
    }
    ends[p + 1] = tap;
  }
}
