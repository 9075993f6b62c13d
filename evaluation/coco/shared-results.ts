import { Blocks } from '../../core/blocks.js';
import { joined } from '../../core/joined.js';
import type { MaskPool } from './mask-pool.js';
import type { CocoDetections } from './objects.js';
import type { CocoResults } from './results-builder.js';

/** Results of a part of a list as plain data in memory that threads share: sending them copies nothing. */
export interface SharedResults extends Omit<CocoResults, 'detections'> {
  readonly detections: Omit<CocoDetections, 'masks'> & { readonly masks?: SharedMasks | undefined };
}

/** A {@link MaskPool} as plain data. */
interface SharedMasks extends Omit<MaskPool, 'text'> {
  readonly blocks: readonly Uint8Array[];
}

/** Shares results whose builder was told so (`isShared`). */
export function shareResults({ detections, ...rest }: CocoResults): SharedResults {
  const { masks, ...columns } = detections;
  return {
    ...rest,
    detections: {
      source: columns.source,
      imageOf: shared(columns.imageOf),
      categoryOf: shared(columns.categoryOf),
      scores: shared(columns.scores),
      ids: columns.ids && shared(columns.ids),
      areas: columns.areas && shared(columns.areas),
      boxes: columns.boxes && shared(columns.boxes),
      keypoints: columns.keypoints && shared(columns.keypoints),
      masks: masks && {
        blocks: masks.text.all(),
        starts: shared(masks.starts),
        lengths: shared(masks.lengths),
        heights: shared(masks.heights),
        widths: shared(masks.widths),
      },
    },
  };
}

/**
 * Joins the parts of a list in order.
 *
 * @returns undefined if only some parts have a field
 */
export function joinResults(parts: readonly SharedResults[]): CocoResults | undefined {
  const all = parts.map(({ detections }) => detections);
  for (const field of ['ids', 'areas', 'boxes', 'masks', 'keypoints'] as const) {
    const count = all.filter((part) => part[field] !== undefined).length;
    if (count > 0 && count < parts.length) return undefined;
  }
  const optional = (field: 'ids' | 'areas' | 'boxes' | 'keypoints'): Float64Array | undefined =>
    all[0][field] && column(all.map((part) => part[field]!));
  const [{ kind, hasBoxAndMask }] = parts;
  return {
    kind,
    hasBoxAndMask,
    numUnknownImages: parts.reduce((sum, { numUnknownImages }) => sum + numUnknownImages, 0),
    detections: {
      source: all[0].source,
      imageOf: column(all.map(({ imageOf }) => imageOf)),
      categoryOf: column(all.map(({ categoryOf }) => categoryOf)),
      scores: column(all.map(({ scores }) => scores)),
      ids: optional('ids'),
      areas: optional('areas'),
      boxes: optional('boxes'),
      keypoints: optional('keypoints'),
      masks: all[0].masks && joinMasks(all.map(({ masks }) => masks!)),
    },
  };
}

function joinMasks(parts: readonly SharedMasks[]): MaskPool {
  const starts = column(parts.map((part) => part.starts));
  let at = 0;
  let numBlocks = 0;
  for (const part of parts) {
    const end = at + part.starts.length;
    for (; at < end; at++) starts[at] += numBlocks * 2 ** 32; // a position is block · 2³² + offset
    numBlocks += part.blocks.length;
  }
  return {
    text: new Blocks(
      (length) => new Uint8Array(length),
      parts.flatMap(({ blocks }) => blocks),
    ),
    starts,
    lengths: column(parts.map(({ lengths }) => lengths)),
    heights: column(parts.map(({ heights }) => heights)),
    widths: column(parts.map(({ widths }) => widths)),
  };
}

const column = (parts: readonly Float64Array[]): Float64Array => joined(parts, Float64Array);

function shared(values: Float64Array): Float64Array {
  const copy = new Float64Array(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}
