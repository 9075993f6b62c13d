import { DataError } from '../../core/errors.js';
import { assertRunSum, rleBox, type Rle } from '../../core/rle.js';
import { boxPairIou, runIou } from '../../core/rle-iou.js';
import type { CocoDetections, CocoGroundTruth, Similarity } from './objects.js';
import { rleOfPool, type MaskPool } from './mask-pool.js';

/**
 * IoU of masks. Masks stay compressed; those of one cell at a time are decoded to foreground spans of pixel positions,
 * and for a pair only spans that can intersect are visited.
 *
 * @throws DataError if there are no masks
 */
export function maskSimilarity(
  groundTruth: CocoGroundTruth,
  detections: CocoDetections,
): Similarity {
  const { areas } = detections;
  const dtMasks = detections.masks;
  const gtMasks = groundTruth.masks;
  if (!dtMasks) throw new DataError('coco: expected masks in the detections, got none');
  if (!gtMasks) throw new DataError('coco: expected masks in the ground truth, got none');
  const known = areas ?? new Float64Array(detections.scores.length).fill(-1);
  const dtSpans = new SpanList(dtMasks, (d) => ({
    file: detections.source,
    name: `detection of image ${detections.imageOf[d]}, category ${detections.categoryOf[d]}, score ${detections.scores[d]}`,
    id: d,
  }));
  const gtSpans = new SpanList(gtMasks, (g) => ({
    file: groundTruth.source,
    name: `annotation ${groundTruth.ids[g]}`,
    id: groundTruth.ids[g],
  }));

  return {
    area(d) {
      if (known[d] < 0) {
        dtSpans.clear();
        dtSpans.add(d);
        known[d] = dtSpans.areas[0];
      }
      return known[d];
    },
    fill(dts, gts, out) {
      gtSpans.clear();
      for (let j = 0; j < gts.length; j++) gtSpans.add(gts[j]);
      for (let i = 0, at = 0; i < dts.length; i++) {
        const d = dts[i];
        dtSpans.clear();
        dtSpans.add(d);
        if (known[d] < 0) known[d] = dtSpans.areas[0];
        for (let j = 0; j < gts.length; j++, at++) {
          const g = gts[j];
          const crowd = groundTruth.isCrowd[g] !== 0;
          if (!sameSize(dtMasks, d, gtMasks, g) || (dtSpans.hasEmptyRun && gtSpans.hasEmptyRun)) {
            out[at] = exactIou(rleOfPool(dtMasks, d), rleOfPool(gtMasks, g), crowd);
            continue;
          }
          const both = spanIntersection(dtSpans, 0, gtSpans, j);
          const dtArea = dtSpans.areas[0];
          out[at] = both === 0 ? 0 : both / (crowd ? dtArea : dtArea + gtSpans.areas[j] - both);
        }
      }
    },
  };
}

function sameSize(a: MaskPool, i: number, b: MaskPool, j: number): boolean {
  return a.heights[i] === b.heights[j] && a.widths[i] === b.widths[j];
}

/** The reference's algorithm for special cases: masks of different sizes, and runs of length 0 in both. */
function exactIou(dt: Rle, gt: Rle, crowd: boolean): number {
  if (!(boxPairIou(rleBox(dt), 0, rleBox(gt), 0) > 0)) return 0;
  const isSameSize = dt.height === gt.height && dt.width === gt.width;
  return isSameSize ? runIou(dt.counts, gt.counts, crowd) : -1;
}

/** Record of a mask, for errors. */
interface MaskOwner {
  readonly file: string | undefined;
  readonly name: string;
  readonly id: number;
}

/**
 * Masks of a cell as pixel positions of the ends of runs, mask after mask: the foreground spans of a mask are
 * `[ends[0], ends[1])`, `[ends[2], ends[3])`, ….
 */
class SpanList {
  ends = new Uint32Array(4096);
  /** `[n + 1]`: mask `i` has `ends[offsets[i] … offsets[i + 1])`, an even number. */
  offsets = new Uint32Array(64);
  /** `[n]`, px². */
  areas = new Float64Array(64);
  private count = 0;
  /** Area of the mask that was decoded last. */
  private area = 0;
  /** Whether a mask has a run of length 0 after its first run. */
  hasEmptyRun = false;

  constructor(
    private readonly pool: MaskPool,
    private readonly ownerOf: (index: number) => MaskOwner,
  ) {}

  clear(): void {
    this.count = 0;
    this.hasEmptyRun = false;
  }

  /** @throws DataError if the text of mask `index` is not a mask of its size */
  add(index: number): void {
    const { text, starts, lengths, heights, widths } = this.pool;
    const [bytes, start] = text.find(starts[index]);
    const length = lengths[index];
    const { count } = this;
    const at = this.offsets[count];
    if (this.ends.length < at + length) {
      const longer = new Uint32Array(2 * (at + length));
      longer.set(this.ends);
      this.ends = longer;
    }
    try {
      const numRuns = this.decode(bytes, start, start + length, at);
      if (numRuns < 0) rleOfPool(this.pool, index); // throws with the reason
      const sum = numRuns > 0 ? this.ends[at + numRuns - 1] : 0;
      assertRunSum('mask', sum, heights[index], widths[index]);
      if (count + 1 === this.areas.length) this.grow();
      this.offsets[count + 1] = at + numRuns - (numRuns % 2);
      this.areas[count] = this.area;
      this.count++;
    } catch (cause) {
      if (!(cause instanceof DataError)) throw cause;
      const { file, name, id } = this.ownerOf(index);
      const message = `${file === undefined ? '' : `${file}: `}${name}: ${cause.message}`;
      throw new DataError(message, { cause, id, file });
    }
  }

  /**
   * Decodes, sums and measures in one pass, in half the time of separate passes, because this loop processes every
   * character of a result file. Runs and errors are those of `decodeRunsInto`.
   *
   * @returns the number of runs, or −1 if the text is invalid
   */
  private decode(bytes: Uint8Array, start: number, end: number, at: number): number {
    const out = this.ends;
    // Separate assignments: an array pattern makes the loop half again as slow.
    let numRuns = 0;
    let position = 0;
    let area = 0;
    let beforeLast = 0;
    let last = 0;
    let hasEmptyRun = false;
    for (let p = start; p < end; numRuns++) {
      let bits = bytes[p++] - 48;
      let value = bits & 31;
      if (bits >>> 6 !== 0) return -1;
      if (bits & 32) {
        let shift = 5;
        do {
          if (p === end || shift > 30) return -1;
          bits = bytes[p++] - 48;
          if (bits >>> 6 !== 0) return -1;
          value |= (bits & 31) << shift;
          shift += 5;
        } while (bits & 32);
        if (bits & 16 && shift < 32) value |= -1 << shift;
      } else if (bits & 16) value |= -32;
      if (numRuns > 2) value += beforeLast;
      if (value <= 0) {
        if (value < 0) return -1;
        if (numRuns > 0) hasEmptyRun = true;
      }
      beforeLast = last;
      last = value;
      position += value;
      if (numRuns & 1) area += value;
      out[at + numRuns] = position;
    }
    // Stored positions wrap at 2³²; a sum beyond the largest size of a mask must not be accepted.
    if (position > 0x7fffffff) return -1;
    if (hasEmptyRun) this.hasEmptyRun = true;
    this.area = area;
    return numRuns;
  }

  private grow(): void {
    const offsets = new Uint32Array(2 * this.offsets.length);
    offsets.set(this.offsets);
    const areas = new Float64Array(2 * this.areas.length);
    areas.set(this.areas);
    this.offsets = offsets;
    this.areas = areas;
  }
}

/** Number of pixels in spans of both masks. */
function spanIntersection(a: SpanList, i: number, b: SpanList, j: number): number {
  let atA = a.offsets[i];
  let atB = b.offsets[j];
  const endA = a.offsets[i + 1];
  const endB = b.offsets[j + 1];
  const spansA = a.ends;
  const spansB = b.ends;
  if (atA === endA || atB === endB) return 0;
  if (spansA[endA - 1] <= spansB[atB] || spansB[endB - 1] <= spansA[atA]) return 0;
  atA = firstAfter(spansA, atA, endA, spansB[atB]);
  atB = firstAfter(spansB, atB, endB, spansA[atA]);
  let area = 0;
  while (atA < endA && atB < endB) {
    const start = Math.max(spansA[atA], spansB[atB]);
    const stopA = spansA[atA + 1];
    const stopB = spansB[atB + 1];
    if (stopA <= stopB) {
      if (stopA > start) area += stopA - start;
      atA += 2;
    } else {
      if (stopB > start) area += stopB - start;
      atB += 2;
    }
  }
  return area;
}

/** First span from `low` on that ends after `position`, which must exist. */
function firstAfter(spans: Uint32Array, low: number, high: number, position: number): number {
  while (low < high) {
    const middle = low + (((high - low) >> 2) << 1);
    if (spans[middle + 1] > position) high = middle;
    else low = middle + 2;
  }
  return low;
}
