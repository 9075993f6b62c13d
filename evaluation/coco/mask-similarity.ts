import { DataError } from '../../core/errors.js';
import { runIou } from '../../core/rle-iou.js';
import { decodeRunsInto } from '../../core/rle-string.js';
import { assertRunSum, rleBox } from '../../core/rle.js';
import { boxPairIou } from '../../core/rle-iou.js';
import type { CocoDetections, CocoGroundTruth } from './objects.js';
import { rleOfPool, type MaskPool } from './mask-pool.js';
import type { Similarity } from './similarity.js';

/**
 * IoU of masks. They stay compressed; those of one cell at a time are decoded into foreground spans of pixel
 * positions, and a pair walks both lists of spans only where they can meet.
 *
 * @throws DataError if there are no masks
 */
export function maskSimilarity(truth: CocoGroundTruth, detections: CocoDetections): Similarity {
  const { areas } = detections;
  const dtMasks = detections.masks;
  const gtMasks = truth.masks;
  if (!dtMasks) throw new DataError('coco: expected masks in the detections, got none');
  if (!gtMasks) throw new DataError('coco: expected masks in the ground truth, got none');
  const known = areas ?? new Float64Array(detections.scores.length).fill(-1);
  const dtSpans = new SpanList(dtMasks, 'detection');
  const gtSpans = new SpanList(gtMasks, 'ground truth');

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
          const crowd = truth.isCrowd[g] !== 0;
          if (!sameSize(dtMasks, d, gtMasks, g) || (dtSpans.hasEmptyRun && gtSpans.hasEmptyRun)) {
            out[at] = exactIou(dtMasks, d, gtMasks, g, crowd);
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

/** The reference's own way, for the odd cases: masks of different sizes, and runs of length 0 on both sides. */
function exactIou(
  dtMasks: MaskPool,
  d: number,
  gtMasks: MaskPool,
  g: number,
  crowd: boolean,
): number {
  const dt = rleOfPool(dtMasks, d);
  const gt = rleOfPool(gtMasks, g);
  if (!(boxPairIou(rleBox(dt), 0, rleBox(gt), 0, crowd) > 0)) return 0;
  return sameSize(dtMasks, d, gtMasks, g) ? runIou(dt.counts, gt.counts, crowd) : -1;
}

/** Foreground spans `[start, end)` of the masks of a cell, one after the other. */
class SpanList {
  private counts = new Uint32Array(1024);
  spans = new Uint32Array(4096);
  /** `[n + 1]`: the spans of mask `i` are `spans[offsets[i] … offsets[i + 1])`. */
  readonly offsets: number[] = [0];
  readonly areas: number[] = [];
  /** Whether a mask has a run of length 0 after its first run. */
  hasEmptyRun = false;

  constructor(
    private readonly pool: MaskPool,
    private readonly side: string,
  ) {}

  clear(): void {
    this.offsets.length = 1;
    this.areas.length = 0;
    this.hasEmptyRun = false;
  }

  /** @throws DataError if the text of mask `index` is no mask of its size */
  add(index: number): void {
    const [start, end] = [this.pool.starts[index], this.pool.ends[index]];
    if (this.counts.length < end - start) this.counts = new Uint32Array(2 * (end - start));
    let at = this.offsets[this.offsets.length - 1];
    if (this.spans.length < at + (end - start) + 2) {
      const longer = new Uint32Array(2 * (at + (end - start)));
      longer.set(this.spans);
      this.spans = longer;
    }
    try {
      const numRuns = decodeRunsInto(this.pool.bytes, start, end, this.counts, 0);
      const { counts, spans } = this;
      let position = 0;
      let area = 0;
      for (let i = 0; i < numRuns; i += 2) {
        const gap = counts[i];
        const run = i + 1 < numRuns ? counts[i + 1] : 0;
        if ((gap === 0 && i > 0) || (run === 0 && i + 1 < numRuns)) this.hasEmptyRun = true;
        position += gap;
        if (run > 0) {
          spans[at++] = position;
          position += run;
          spans[at++] = position;
          area += run;
        }
      }
      assertRunSum('mask', position, this.pool.heights[index], this.pool.widths[index]);
      this.offsets.push(at);
      this.areas.push(area);
    } catch (cause) {
      if (!(cause instanceof DataError)) throw cause;
      throw new DataError(`${this.side} ${index + 1}: ${cause.message}`, { cause, id: index + 1 });
    }
  }
}

/** Pixels that lie in spans of both masks. */
function spanIntersection(a: SpanList, i: number, b: SpanList, j: number): number {
  let [atA, atB] = [a.offsets[i], b.offsets[j]];
  const [endA, endB] = [a.offsets[i + 1], b.offsets[j + 1]];
  const [spansA, spansB] = [a.spans, b.spans];
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

/** The first span from `low` on that ends after `position`; one exists. */
function firstAfter(spans: Uint32Array, low: number, high: number, position: number): number {
  while (low < high) {
    const middle = low + (((high - low) >> 2) << 1);
    if (spans[middle + 1] > position) high = middle;
    else low = middle + 2;
  }
  return low;
}
