import type { CocoParameters } from './parameters.js';

/** Ground truth of a cell for matching; each list is `[G]`. */
export interface CellGroundTruth {
  readonly areas: ArrayLike<number>;
  readonly isCrowd: ArrayLike<number>;
  /** Always ignored, whatever its area. */
  readonly isIgnored: ArrayLike<number>;
  /** 0 if a match is not recorded (the reference's id 0). */
  readonly isRecorded: ArrayLike<number>;
}

/** Callback for every match: area range, threshold, and indices of detection and ground truth within the cell. */
export type MatchObserver = (area: number, threshold: number, dt: number, gt: number) => void;

/** Bit sets of thresholds, 32 per word: those at which a detection is matched, and those at which it is ignored. */
export interface MatchBits {
  /** `[D, A, W]`. */
  readonly matched: Uint32Array;
  /** `[D, A, W]`. */
  readonly ignored: Uint32Array;
}

/** Detections and ground truth of one cell. */
interface Cell {
  readonly numDts: number;
  readonly numGts: number;
  readonly groundTruth: CellGroundTruth;
  /** `[D, G]`, detections by descending score, ground truth in file order. */
  readonly ious: Float64Array;
  /** `[D]`, square pixels. */
  readonly dtAreas: Float64Array;
  /** Whether detection `d` occupies its match (ids ≤ 0 do not); default: all do. */
  readonly holds?: ((d: number) => boolean) | undefined;
}

/** Destination of matches. */
interface MatchSink {
  readonly bits: MatchBits;
  /** Row of `bits` of the first detection of the cell. */
  readonly at: number;
  readonly observe?: MatchObserver | undefined;
}

/** Number of words with one bit per threshold. */
export function numWords(parameters: Pick<CocoParameters, 'iouThresholds'>): number {
  return Math.ceil(parameters.iouThresholds.length / 32);
}

/** Bit set of all thresholds. */
export function thresholdBits(count: number): Uint32Array {
  const bits = new Uint32Array(Math.ceil(count / 32));
  for (let t = 0; t < count; t++) bits[t >> 5] |= 1 << (t & 31);
  return bits;
}

/**
 * Matches detections of one cell to its ground truth, for every area range and threshold. In order of score, a detection
 * takes the free ground truth of the highest IoU that is at least the threshold. Ground truth that is not ignored takes
 * precedence; a crowd can be matched repeatedly; ties go to the later one.
 */
export class CellMatcher {
  private readonly thresholds: Float64Array;
  private readonly lowest: number;
  private readonly words: number;
  private readonly allBits: Uint32Array;
  private sorted = new Int32Array(64);
  private taken = new Uint32Array(64);
  private ignored = new Uint8Array(64);
  /** `[D]`, highest IoU of each detection. */
  private highest = new Float64Array(64);
  /** Current area range, and the number of entries of `sorted` that are not ignored in it. */
  private area = 0;
  private numCounted = 0;

  constructor(private readonly parameters: CocoParameters) {
    // An IoU of 1 must reach a threshold of 1 despite rounding.
    this.thresholds = Float64Array.from(parameters.iouThresholds, (t) => Math.min(t, 1 - 1e-10));
    this.lowest = Math.min(...this.thresholds);
    this.words = numWords(parameters);
    this.allBits = thresholdBits(parameters.iouThresholds.length);
  }

  /** Adds the bits of the detections of a cell to rows of zeros. */
  match(cell: Cell, sink: MatchSink): void {
    const { numDts, numGts, dtAreas } = cell;
    const { areaRanges } = this.parameters;
    const { words } = this;
    const { matched, ignored } = sink.bits;
    this.reserve(numDts, numGts);
    if (numGts > 0) this.findHighest(cell);
    for (let a = 0; a < areaRanges.length; a++) {
      const { min, max } = areaRanges[a];
      this.area = a;
      this.sortGroundTruth(cell.groundTruth, numGts, min, max);
      this.taken.fill(0, 0, numGts * words);
      for (let d = 0; d < numDts; d++) {
        const row = ((sink.at + d) * areaRanges.length + a) * words;
        if (numGts > 0 && this.highest[d] >= this.lowest) this.matchOne(cell, d, sink, row);
        if (dtAreas[d] < min || dtAreas[d] > max)
          for (let w = 0; w < words; w++) ignored[row + w] |= this.allBits[w] & ~matched[row + w];
      }
    }
  }

  private matchOne(cell: Cell, d: number, sink: MatchSink, row: number): void {
    const { numGts, groundTruth, ious, holds } = cell;
    const { sorted, taken, thresholds, words } = this;
    const first = d * numGts;
    const highest = this.highest[d];
    for (let t = 0; t < thresholds.length; t++) {
      let iou = thresholds[t];
      if (highest < iou) continue;
      const word = t >> 5;
      const bit = 1 << (t & 31);
      let best = -1;
      for (let i = 0; i < numGts; i++) {
        if (i === this.numCounted && best >= 0) break; // ground truth that is not ignored takes precedence
        const g = sorted[i];
        if (ious[first + g] < iou) continue;
        if (taken[g * words + word] & bit && !groundTruth.isCrowd[g]) continue;
        iou = ious[first + g];
        best = g;
      }
      if (best < 0) continue;
      if (this.ignored[best]) sink.bits.ignored[row + word] |= bit;
      if (groundTruth.isRecorded[best]) sink.bits.matched[row + word] |= bit;
      if (!holds || holds(d)) taken[best * words + word] |= bit;
      sink.observe?.(this.area, t, d, best);
    }
  }

  private findHighest({ numDts, numGts, ious }: Cell): void {
    for (let d = 0, at = 0; d < numDts; d++) {
      let highest = -1;
      for (let g = 0; g < numGts; g++, at++) if (ious[at] > highest) highest = ious[at];
      this.highest[d] = highest;
    }
  }

  /** Sorts the ground truth, entries ignored in this area range last. */
  private sortGroundTruth(
    groundTruth: CellGroundTruth,
    numGts: number,
    min: number,
    max: number,
  ): void {
    let numCounted = 0;
    for (let g = 0; g < numGts; g++) {
      const ignored =
        groundTruth.isIgnored[g] || groundTruth.areas[g] < min || groundTruth.areas[g] > max;
      this.ignored[g] = ignored ? 1 : 0;
      if (!ignored) this.sorted[numCounted++] = g;
    }
    for (let g = 0, at = numCounted; g < numGts; g++) if (this.ignored[g]) this.sorted[at++] = g;
    this.numCounted = numCounted;
  }

  private reserve(numDts: number, numGts: number): void {
    if (this.highest.length < numDts) this.highest = new Float64Array(2 * numDts);
    if (this.sorted.length < numGts) {
      this.sorted = new Int32Array(2 * numGts);
      this.ignored = new Uint8Array(2 * numGts);
    }
    if (this.taken.length < numGts * this.words)
      this.taken = new Uint32Array(2 * numGts * this.words);
  }
}
